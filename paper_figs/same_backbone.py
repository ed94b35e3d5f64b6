"""Figs. 5, 6 and 8 and their kin: one backbone after different pre-training data."""

from matplotlib.figure import Figure

from paper_figs.context import Context
from paper_figs.related_models import data_sizes, draw_panels, related


def draw(context: Context) -> Figure:
    """A column for each backbone, its data sets from the smallest to the largest; above drops, below counter accuracy."""
    sizes = data_sizes()
    panels = {}
    for backbone, models in related(context, "backbone").items():
        ordered = sorted(models, key=lambda name: (sizes[name].pairs, name) if name in sizes else (1e9, name))
        panels[backbone] = [
            (name, f"{name}\n{sizes[name].words}" if name in sizes else name, models[name]) for name in ordered
        ]
    filtered = {name for name, size in sizes.items() if size.filtered}
    return draw_panels(context, panels, "pre-training data (image-text pairs; shaded: filtered)", filtered)
