"""The inference module: clusters, experts, and the gate between them (section 3.2)."""
