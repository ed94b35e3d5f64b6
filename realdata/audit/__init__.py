"""What cannot be true in the printed tables, by rules: one kind of evidence a file."""
