"""MultiColoredMNIST (arXiv 2403.11497, Table 8): digits on coloured backgrounds, contrastive against supervised."""
