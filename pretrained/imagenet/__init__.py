"""torchvision's ImageNet classifiers, which the paper compares CLIPs with, in flax.nnx and from torchvision's files."""
