"""Fig. 4 and its kin: what every model loses in every class from its common to its counter photos."""

import itertools

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from paper_figs.context import Context
from paper_figs.looks import SMALL, short
from paper_figs.published.class_models import ClassModel, by_mean_drop, class_models

_ROW, _COLUMN = 0.18, 0.3  # inches
_LIMIT = 80.0  # points, of the colours
_GAP = 0.6  # columns between sources


def draw(context: Context) -> Figure:
    """A heat map of classes and models, and beside it each class's mean drop."""
    models = class_models(context)
    classes = by_mean_drop(models)
    places = _places(models)
    width, height = _COLUMN * (places[-1] + 1), _ROW * len(classes)
    figure = Figure(figsize=(width + 5.2, height + 2.6), layout="constrained")
    heat, means = figure.subplots(1, 2, sharey=True, width_ratios=(width, 2.6))
    norm = TwoSlopeNorm(0.0, -_LIMIT, _LIMIT)
    for place, model in zip(places, models, strict=True):
        _draw_model(heat, place, model.classes.loc[classes.index, "drop"].to_numpy(), norm)
    heat.set_xticks(places, [model.name for model in models], rotation=90, fontsize=8)
    heat.tick_params(axis="x", length=0, top=False)
    for source in dict.fromkeys(model.source for model in models):
        chosen = [place for place, model in zip(places, models, strict=True) if model.source == source]
        words = {"paper": "paper,\nTables 15, 16"}.get(source, source if source != "added" else "★\nadded")
        heat.text(float(np.mean(chosen)), -0.9, words, ha="center", va="bottom", fontsize=9)
    heat.set_yticks(range(len(classes)), [short(label) for label in classes["label"]], fontsize=8)
    heat.set_ylim(len(classes) - 0.5, -0.5)
    heat.set_xlim(-0.5, places[-1] + 0.5)
    heat.set_xlabel("model (1 vs. 1000, prompt simple)")
    heat.set_ylabel("class, by its mean drop")
    heat.spines[:].set_visible(False)
    colours = figure.colorbar(
        heat.collections[0], ax=heat, location="bottom", label="drop (points)", extend="max", aspect=45, pad=0.01
    )
    colours.ax.tick_params(labelsize=8)
    _draw_means(means, classes)
    handles = [
        Line2D([], [], color="black", marker="o", ms=4, ls="-", lw=2.2, label="mean of the published models"),
        Line2D([], [], color="0.6", lw=0.9, label="least to largest of them"),
        Line2D([], [], color="black", marker=".", ls="", ms=4, label="dot in a cell: a gain"),
        Patch(facecolor="white", edgecolor="0.5", hatch="/////", label="not published"),
    ]
    means.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.065), fontsize=8, frameon=False)
    return figure


def _places(models: list[ClassModel]) -> list[float]:
    places, at = [0.0], 0.0
    for before, model in itertools.pairwise(models):
        at += 1 + (_GAP if model.source != before.source else 0)
        places.append(at)
    return places


def _draw_model(axis: Axes, place: float, drops: np.ndarray, norm: TwoSlopeNorm) -> None:
    rows = np.arange(len(drops))
    edges = np.arange(len(drops) + 1) - 0.5
    values = np.ma.masked_invalid(drops)[:, None]
    axis.pcolormesh([place - 0.5, place + 0.5], edges, values, cmap="PuOr_r", norm=norm, edgecolor="white", lw=0.4)
    missing = np.isnan(drops)
    axis.bar(
        [place] * int(missing.sum()),
        1.0,
        bottom=rows[missing] - 0.5,
        width=1.0,
        facecolor="white",
        edgecolor="0.5",
        hatch="/////",
        lw=0.4,
    )
    gains = rows[drops < 0]
    axis.plot([place] * len(gains), gains, ".", color="black", ms=3.5)


def _draw_means(axis: Axes, columns: pd.DataFrame) -> None:
    rows = np.arange(len(columns))
    axis.hlines(rows, columns["least"], columns["most"], color="0.6", lw=0.9)
    axis.hlines(rows, columns["low"], columns["high"], color="black", lw=2.2)
    axis.plot(columns["mean"], rows, "o", color="black", ms=4, mec="white", mew=0.6)
    axis.axvline(0, color="0.3", lw=0.8)
    for row in rows:
        axis.annotate(
            f"{columns['mean'].iloc[row]:+.0f}",
            (1.0, row),
            (-2, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=SMALL,
        )
    most = max(columns["most"])
    axis.set_xlim(min(columns["least"]) - 3, most + 22)
    axis.set_xlabel("drop (points)")
    axis.set_title("mean over models", fontsize=9)
    axis.grid(axis="x", color="0.92")
    axis.set_axisbelow(True)
    axis.tick_params(axis="y", length=0)
    axis.spines[["top", "right", "left"]].set_visible(False)
