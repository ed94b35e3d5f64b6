"""Zero-shot repairs applied to trained encoders, from prompts only, beside their closed forms (S30)."""
