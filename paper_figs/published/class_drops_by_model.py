"""Fig. 4 for every model: its class-wise drops in order, with intervals."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figs.context import Context
from paper_figs.looks import SMALL, short
from paper_figs.panels import COLOURS
from paper_figs.published.class_models import ClassModel, class_models

_COLUMNS = 4
_COLOUR = {"paper": COLOURS[5], "replication": COLOURS[0], "added": "black"}
_MARKER = {"paper": "o", "replication": "s", "added": "*"}


def draw(context: Context) -> Figure:
    """A small panel for each model: drops of all classes, the least first."""
    models = class_models(context)
    rows = -(-len(models) // _COLUMNS)
    figure = Figure(figsize=(2.7 * _COLUMNS, 1.95 * rows), layout="constrained")
    axes = figure.subplots(rows, _COLUMNS, sharey=True, squeeze=False)
    for axis in axes.ravel()[len(models) :]:
        axis.set_axis_off()
    for axis, model in zip(axes.ravel(), models, strict=False):
        _draw_model(axis, model)
        axis.set_xlabel("rank of the class", fontsize=8)
        if axis in axes[:, 0]:
            axis.set_ylabel("drop (points)", fontsize=8)
    low = min(float(model.classes["low"].min()) for model in models)
    axes[0, 0].set_ylim(low - 20, 106)
    return figure


def _draw_model(axis: Axes, model: ClassModel) -> None:
    classes = model.classes.dropna(subset="drop").sort_values("drop", kind="stable")
    drops, ranks = classes["drop"].to_numpy(), np.arange(1, len(classes) + 1)
    colour = _COLOUR[model.source]
    axis.errorbar(
        ranks,
        drops,
        yerr=[drops - classes["low"].to_numpy(), classes["high"].to_numpy() - drops],
        fmt=_MARKER[model.source],
        color=colour,
        ms=2.6 if model.source != "added" else 5,
        elinewidth=0.7,
    )
    axis.axhline(0, color="0.3", lw=0.8)
    axis.axhline(float(drops.mean()), color=colour, lw=1, ls="--")
    words: dict[str, Any] = {"va": "center", "fontsize": SMALL, "color": "0.2", "transform": axis.transAxes}
    axis.text(0.02, 0.08, short(classes["label"].iloc[0]), ha="left", **words)
    axis.text(0.98, 0.92, short(classes["label"].iloc[-1]), ha="right", **words)
    lost = f", {len(drops)} classes" if len(drops) < len(model.classes) else ""
    axis.set_title(f"{model.name}\n{model.source}: mean {drops.mean():+.1f}{lost}", fontsize=8)
    axis.set_xlim(-0.5, len(model.classes) + 1.5)
    axis.tick_params(labelsize=SMALL)
    axis.grid(axis="y", color="0.92")
    axis.set_axisbelow(True)
