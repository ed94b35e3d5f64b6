"""Table 7: a CLIP fine-tuned on coloured backgrounds, with new ones in the test."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from paper_figs.context import Context
from paper_figs.panels import COLOURS

_WAYS = {
    "zero_shot": "none\n(zero-shot)",
    "obj": "CLIP's loss,\ncaptions name\nthe object",
    "objbkg": "CLIP's loss,\ncaptions name\nobject and\nbackground",
    "supervised": "supervised",
}
_SETS: dict[str, tuple[str, dict[str, Any]]] = {
    "in_distribution": ("backgrounds as in training", {"color": COLOURS[0]}),
    "out_of_distribution": ("other backgrounds", {"color": COLOURS[1], "hatch": "////", "edgecolor": "white"}),
}
_CLASSES = 9
_WIDTH = 0.38


def draw(context: Context) -> Figure:
    """A panel for each backbone: accuracy in both tests for every way of fine-tuning."""
    table = context.colored_coco
    backbones = list(dict.fromkeys(table["backbone"]))
    figure = Figure(figsize=(4.9 * len(backbones), 4.4), layout="constrained")
    axes = figure.subplots(1, len(backbones), sharey=True, squeeze=False)[0]
    for axis, backbone in zip(axes, backbones, strict=True):
        rows = table[table["backbone"] == backbone].set_index("approach")
        ways = [way for way in _WAYS if way in rows.index]
        places = np.arange(len(ways))
        for number, (column, (label, look)) in enumerate(_SETS.items()):
            values = rows.loc[ways, column].to_numpy()
            bars = axis.bar(places + _WIDTH * (number - 0.5), values, _WIDTH, label=label, **look)
            axis.bar_label(bars, [f"{value:.1f}" for value in values], fontsize=8, padding=1)
        axis.axhline(100 / _CLASSES, color="black", lw=1, ls=":", label=f"guessing among {_CLASSES} classes")
        axis.set_xticks(places, [_WAYS[way] for way in ways], fontsize=8)
        axis.set_xlabel("fine-tuning")
        axis.set_title(f"{backbone}, {rows['pretrain'].iloc[0]}", fontsize=10)
        axis.grid(axis="y", color="0.92")
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("accuracy (%)")
    axes[0].set_ylim(0, 108)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize=9, frameon=False)
    return figure
