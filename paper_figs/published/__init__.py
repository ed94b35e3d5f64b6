"""Figures of published measurements."""
