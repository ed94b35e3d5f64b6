"""The statements S1, S2, ..., one a file."""
