"""Simulations of the statements of `theory/`, one file a subject; figures draw their points over the closed forms."""
