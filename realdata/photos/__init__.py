"""Photos in folders: their groups, class names and pixels."""
