"""Fig. 4 and its kin: what every model loses in every class from its common to its counter photos."""

import dataclasses
import itertools
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from paper_figs.context import Context
from paper_figs.looks import PRINT_WIDTH, SMALL
from paper_figs.published.looks import DATA, drop_intervals, short
from workbench.palette import BLUE, VERMILION

_SETUP = "1v1000"  # in which the class-wise accuracies were measured
_BACKBONES = ("ConvNext/BW", "ViT/B/32", "ViT/B/16", "ViT/L/14", "ViT/H/14", "ViT/G/14", "ViT/bigG/14")


@dataclasses.dataclass(frozen=True)
class ClassModel:
    """One model's class-wise drops.

    Attributes:
        name: backbone and pre-training data, or an added model's name.
        source: `paper`, `replication` or `added`.
        classes: indexed by ImageNet index, in the order of Fig. 3: `label`, `common` and `counter` in %, `drop`,
            and its 95% interval `low` and `high` in points; NaN where the class is missing.
    """

    name: str
    source: str
    classes: pd.DataFrame


def class_models(context: Context) -> list[ClassModel]:
    """Every model with class-wise accuracies, by source, pre-training data and size."""
    models = []
    for source, table in context.classwise.items():
        found: dict[tuple[str, str], pd.DataFrame] = {
            (str(pretrain), str(backbone)): frame
            for (pretrain, backbone), frame in table.groupby(["pretrain", "backbone"], sort=False)
        }
        for pretrain, backbone in sorted(found, key=_order):
            name = f"{backbone} {pretrain}"
            models.append(ClassModel(name, source, _add_drops(found[pretrain, backbone], context)))
    for number, model in context.added_in(_SETUP, "simple"):
        models.append(ClassModel(f"{number}: {model.name}", "added", _add_drops(model.classes, context)))
    return models


def by_mean_drop(models: list[ClassModel]) -> pd.DataFrame:
    """The classes by their mean drop over published models, least first.

    Returns:
        Indexed by ImageNet index: `label`, `mean`, and `low` and `high`, the means of the models' ends: as if their
        errors were perfectly correlated, since they saw the same photos; `least` and `most` of any model.
    """
    published = [model.classes for model in models if model.source != "added"]
    stacked = {column: pd.concat([frame[column] for frame in published], axis=1) for column in ("drop", "low", "high")}
    summary = pd.DataFrame(
        {
            "label": published[0]["label"],
            "mean": stacked["drop"].mean(axis=1),
            "low": stacked["low"].mean(axis=1),
            "high": stacked["high"].mean(axis=1),
            "least": stacked["drop"].min(axis=1),
            "most": stacked["drop"].max(axis=1),
        }
    )
    return summary.sort_values("mean", kind="stable")


def _order(key: tuple[str, str]) -> tuple[int, int, str]:
    pretrain, backbone = key
    data = list(DATA).index(pretrain) if pretrain in DATA else len(DATA)
    return data, _BACKBONES.index(backbone) if backbone in _BACKBONES else len(_BACKBONES), backbone


def _add_drops(found: pd.DataFrame, context: Context) -> pd.DataFrame:
    """A model's accuracies and drops in all classes of Fig. 3; photo counts are its own, or else those printed."""
    classes = context.tables.classes.set_index("imagenet_index")
    own = found.set_index(found["imagenet_index"].astype(float)).reindex(classes.index)
    frame = pd.DataFrame({"label": classes["label"], "common": own["common"], "counter": own["counter"]})
    for column in ("common_photos", "counter_photos"):
        frame[column] = own[column] if column in own else classes[column]
    frame["drop"] = frame["common"] - frame["counter"]
    with np.errstate(invalid="ignore"):
        frame["low"], frame["high"] = drop_intervals(frame)
    return frame


_ROW, _COLUMN = 0.16, 0.175  # inches
_LIMIT = 80.0  # points, of the colours
_GAP = 0.6  # columns between sources


def draw_class_drops(context: Context) -> Figure:
    """A heat map of classes and models, and beside it each class's mean drop."""
    models = class_models(context)
    classes = by_mean_drop(models)
    places = _places(models)
    width, height = _COLUMN * (places[-1] + 1), _ROW * len(classes)
    figure = Figure(figsize=(PRINT_WIDTH, height + 3.4), layout="constrained")
    heat, means = figure.subplots(1, 2, sharey=True, width_ratios=(width, 1.5))
    norm = TwoSlopeNorm(0.0, -_LIMIT, _LIMIT)
    for place, model in zip(places, models, strict=True):
        _draw_column(heat, place, model.classes.loc[classes.index, "drop"].to_numpy(), norm)
    heat.set_xticks(places, [model.name for model in models], rotation=90, fontsize=8)
    heat.tick_params(axis="x", length=0, top=False)
    for source in dict.fromkeys(model.source for model in models):
        chosen = [place for place, model in zip(places, models, strict=True) if model.source == source]
        words = {"paper": "paper"}.get(source, source if source != "added" else "★")
        heat.text(float(np.mean(chosen)), -0.9, words, ha="center", va="bottom", fontsize=8)
    heat.set_yticks(range(len(classes)), [short(label) for label in classes["label"]], fontsize=8)
    heat.set_ylim(len(classes) - 0.5, -0.5)
    heat.set_xlim(-0.5, places[-1] + 0.5)
    heat.set_xlabel("model (1 vs. 1000, prompt simple)")
    heat.set_ylabel("class, by its mean drop")
    heat.spines[:].set_visible(False)
    colours = figure.colorbar(
        heat.collections[0], ax=heat, location="bottom", label="drop (points)", extend="max", aspect=30, pad=0.01
    )
    colours.ax.tick_params(labelsize=8)
    _draw_means(means, classes)
    handles = [
        Line2D([], [], color="black", marker="o", ms=4, ls="-", lw=2.2, label="mean of models"),
        Line2D([], [], color="0.6", lw=0.9, label="least to largest"),
        Line2D([], [], color="black", marker=".", ls="", ms=4, label="a gain"),
        Patch(facecolor="white", edgecolor="0.5", hatch="/////", label="not published"),
    ]
    means.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.3, -0.07), fontsize=8, frameon=False)
    return figure


def _places(models: list[ClassModel]) -> list[float]:
    places, at = [0.0], 0.0
    for before, model in itertools.pairwise(models):
        at += 1 + (_GAP if model.source != before.source else 0)
        places.append(at)
    return places


def _draw_column(axis: Axes, place: float, drops: np.ndarray, norm: TwoSlopeNorm) -> None:
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


_COLUMNS = 3
_COLOUR = {"paper": VERMILION, "replication": BLUE, "added": "black"}
_MARKER = {"paper": "o", "replication": "s", "added": "*"}


def draw_class_drops_by_model(context: Context) -> Figure:
    """A small panel for each model: drops of all classes, the least first."""
    models = class_models(context)
    rows = -(-len(models) // _COLUMNS)
    figure = Figure(figsize=(PRINT_WIDTH, 1.6 * rows), layout="constrained")
    axes = figure.subplots(rows, _COLUMNS, sharex=True, sharey=True, squeeze=False)
    for axis in axes.ravel()[len(models) :]:
        axis.set_axis_off()
    for axis, model in zip(axes.ravel(), models, strict=False):
        _draw_model(axis, model)
        if axis in axes.ravel()[len(models) - _COLUMNS : len(models)]:
            axis.set_xlabel("rank of the class", fontsize=8)
            axis.tick_params(labelbottom=True)
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
