"""What cannot be true in the printed tables, by rules: one rule, or one kind of evidence, a file."""
