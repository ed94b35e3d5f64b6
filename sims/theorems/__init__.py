"""Simulations of the statements of `theory/`, a file for each subject; figures draw their points over closed forms."""
