"""CLIP as it is published: towers in flax.nnx, and the files of checkpoints, tokenizers and preprocessing."""
