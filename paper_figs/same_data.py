"""Fig. 7 and its kin: one set of pre-training data, different backbones."""

from matplotlib.figure import Figure

from paper_figs.context import Context
from paper_figs.related_models import draw_panels, first, related


def draw(context: Context) -> Figure:
    """A column for each data set, backbones from the smallest to the largest; above drops, below counter accuracy."""
    found = related(context, "pretrain")
    panels = {}
    for data in sorted(found, key=lambda name: (float(first(next(iter(found[name].values())))["pairs"]), name)):
        sizes = {name: float(first(measured)["parameters"]) for name, measured in found[data].items()}
        panels[data] = [
            (f"{name} ({sizes[name]:,.0f} M)", found[data][name])
            for name in sorted(sizes, key=lambda name: (sizes[name], name))
        ]
    return draw_panels(context, panels, "image tower\n(parameters)")
