"""Rules that find impossible numbers in the printed tables, a file for each kind of evidence."""
