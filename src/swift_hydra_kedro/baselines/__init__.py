"""What Swift Hydra is compared with: one file per kind of method, one registry line per method."""
