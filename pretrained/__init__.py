"""Published CLIPs and SigLIPs: towers in flax.nnx, and the files of checkpoints, tokenizers and preprocessing."""
