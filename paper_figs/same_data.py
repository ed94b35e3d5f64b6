"""Fig. 7 and its kin: one set of pre-training data, different backbones."""

from matplotlib.figure import Figure

from paper_figs.context import Context
from paper_figs.looks import DATA
from paper_figs.related_models import draw_panels, related, tower_sizes


def draw(context: Context) -> Figure:
    """A column for each data set, its backbones from the smallest to the largest; above drops, below counter accuracy."""
    sizes = tower_sizes()
    panels = {}
    found = related(context, "pretrain")
    for data in sorted(found, key=lambda name: list(DATA).index(name) if name in DATA else len(DATA)):
        ordered = sorted(found[data], key=lambda name: (sizes.get(name, 1e9), name))
        panels[data] = [
            (name, f"{name} ({sizes[name]:,.0f} M)" if name in sizes else name, found[data][name]) for name in ordered
        ]
    return draw_panels(context, panels, "backbone (parameters of its image tower)", set())
