"""Models that can be asked about photos: one adapter for each kind, and which name means which."""
