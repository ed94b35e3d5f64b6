"""What all programs share: errors in one line, options, progress, result files. It imports no other room."""
