"""The figure of a replication: each printed accuracy against the measured one, in both groups."""

import pandas as pd
from matplotlib.figure import Figure

from workbench.conventions import GROUPS
from workbench.palette import BLUE, GREEN, LIGHT_GREY, VERMILION

_LOOKS = {
    "clip": ("CLIPs", BLUE, "o"),
    "imagenet": ("ImageNet models", VERMILION, "s"),
    "lvlm": ("language models", GREEN, "^"),
}
_MARGIN = 3.0  # points around the accuracies


def draw(comparison: pd.DataFrame) -> Figure:
    """Draw printed against measured accuracies, with simultaneous intervals and the line of equality.

    Args:
        comparison: from `realdata.replicate.comparison.compare`.
    """
    figure = Figure(figsize=(7.5, 4.6), layout="constrained")
    for axes, group in zip(figure.subplots(1, 2), GROUPS, strict=True):
        of_group = comparison[comparison["quantity"] == group]
        low = max(0.0, min(of_group["printed"].min(), of_group["low"].min()) - _MARGIN)
        high = min(100.0, max(of_group["printed"].max(), of_group["high"].max()) + _MARGIN)
        axes.plot([low, high], [low, high], color=LIGHT_GREY, linewidth=1.0, zorder=0)
        for family, (label, colour, marker) in _LOOKS.items():
            own = of_group[of_group["family"] == family]
            if own.empty:
                continue
            axes.vlines(own["printed"], own["low"], own["high"], color=colour, linewidth=1.0, alpha=0.6, zorder=1)
            axes.scatter(own["printed"], own["measured"], s=24, color=colour, marker=marker, label=label, zorder=2)
        outside = of_group[~of_group["inside"]]
        if not outside.empty:
            axes.scatter(
                outside["printed"],
                outside["measured"],
                s=110,
                facecolor="none",
                edgecolor="black",
                label="printed number outside the interval",
                zorder=3,
            )
        axes.set_xlim(low, high)
        axes.set_ylim(low, high)
        axes.set_box_aspect(1)
        axes.set_title(f"{group} photos: {int(of_group['inside'].sum())} of {len(of_group)} inside", fontsize=10)
        axes.set_xlabel("printed accuracy (%)")
        axes.spines[["top", "right"]].set_visible(False)
    first, second = figure.axes
    first.set_ylabel("measured accuracy (%)")
    entries = {
        label: handle
        for axes in (first, second)
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure
