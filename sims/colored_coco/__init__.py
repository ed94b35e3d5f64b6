"""ColoredCOCO (arXiv 2403.11497, Table 7): objects on painted backgrounds, a CLIP fine-tuned on them."""
