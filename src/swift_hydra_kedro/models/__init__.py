"""The neural networks of Swift Hydra, in torch alone."""
