"""Zero-shot repairs of a CLIP on photos: every repair on one pass's embeddings, side by side with the plain prompt."""
