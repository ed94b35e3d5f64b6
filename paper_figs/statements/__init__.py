"""Figures of the statements of `theory/`, one file a statement: closed forms as lines, simulations as points."""
