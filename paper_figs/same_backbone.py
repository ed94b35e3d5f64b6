"""Figs. 5, 6 and 8 and their kin: one backbone after different pre-training data."""

from matplotlib.figure import Figure

from paper_figs.context import Context
from paper_figs.related_models import draw_panels, first, related


def draw(context: Context) -> Figure:
    """A column for each backbone, data sets from the smallest to the largest; above drops, below counter accuracy."""
    panels = {}
    for backbone, models in related(context, "backbone").items():
        pairs = {name: float(first(measured)["pairs"]) for name, measured in models.items()}
        panels[backbone] = [
            (f"{name}\n{_words(pairs[name])}", models[name])
            for name in sorted(models, key=lambda name: (pairs[name], name))
        ]
    return draw_panels(context, panels, "data set\n(pairs)", shaded=True)


def _words(millions: float) -> str:
    return f"{millions / 1000:.3g} billion" if millions >= 1000 else f"{millions:.3g} million"
