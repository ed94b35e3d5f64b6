"""Statistics of photos and models: errors, intervals, effective robustness."""
