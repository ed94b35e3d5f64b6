"""What every program here needs: errors in one line, options, progress and result files. Imports nothing of ours."""
