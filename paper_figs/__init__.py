"""Figures, and the page with all of the evidence, from saved results and published tables; nothing here trains."""
