"""Training over a grid of parameters."""
