"""Simulations of the statements of `theory/`, one file a statement: the points that figures draw over its lines."""
