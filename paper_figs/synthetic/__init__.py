"""Figures of the simulations."""
