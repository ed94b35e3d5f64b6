"""A small CLIP with a text encoder, and its training."""
