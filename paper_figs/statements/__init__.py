"""Figures of the statements of `theory/`, one file a subject: closed forms as lines, simulations as points."""
