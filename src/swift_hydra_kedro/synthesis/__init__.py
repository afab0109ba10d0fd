"""The self-reinforcing generative module (section 3.1, algorithm 1)."""
