"""Models to evaluate: an adapter for each kind, and the registry of their names."""
