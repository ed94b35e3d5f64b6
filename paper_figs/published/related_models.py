"""CLIPs that differ in one thing only, in every setting: panels of their drops and counter accuracies."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from paper_figs.context import Context
from paper_figs.looks import PRINT_WIDTH, SMALL
from paper_figs.published.looks import (
    ADDED_LINES,
    FEW_ADDED,
    SETUPS,
    added_handles,
    figure_legend,
    mark_added,
    photo_intervals,
)
from realdata.claims.settings import image_tower_parameters, is_filtered, pretraining_pairs, settings
from workbench.palette import BLUE, VERMILION

# Source and setup to colour, marker and whether it is filled.
_SERIES = {
    ("paper", "1v1000"): (VERMILION, "o", True),
    ("replication", "1v1000"): (VERMILION, "s", False),
    ("paper", "1v20"): (BLUE, "^", True),
    ("replication", "1v20"): (BLUE, "D", False),
}
_BESIDE = 0.18
_SHADE = "0.91"

# A row of each series: `drop` and `counter` with their half widths, and what the model's names stand for.
Measured = dict[tuple[str, str], pd.Series]


def related_models(context: Context, same: str) -> dict[str, dict[str, Measured]]:
    """CLIPs asked with the prompt simple, class-balanced, that share a backbone or pre-training data.

    Args:
        context: has the tables.
        same: `backbone` or `pretrain`.

    Returns:
        What they share, to what they differ in, to each series' row; only what two models share.

    Raises:
        InputError: a backbone or pre-training set is unknown.
    """
    other = "pretrain" if same == "backbone" else "backbone"
    found: dict[str, dict[str, Measured]] = {}
    for setting in settings(context.tables):
        if (setting.selector, setting.prompt, setting.averaging) != ("included", "simple", "balanced"):
            continue
        if setting.tables[:1] in (("9",), ("5",)):  # other checkpoints; repeated from Table 3
            continue
        clips = setting.clips.assign(drop=setting.clips["common"] - setting.clips["counter"])
        halves = {group: photo_intervals(clips, context, "balanced", group) for group in ("common", "counter")}
        clips = clips.assign(
            counter_half=halves["counter"],
            drop_half=np.hypot(*halves.values()),
            pairs=pretraining_pairs(clips, setting.file),
            filtered=is_filtered(clips, setting.file),
            parameters=image_tower_parameters(clips, setting.file),
        )
        for _, row in clips.iterrows():
            found.setdefault(row[same], {}).setdefault(row[other], {})[setting.source, setting.setup] = row
    return {name: models for name, models in found.items() if len(models) > 1}


def first(measured: Measured) -> pd.Series:
    """One of a model's rows, for facts about the model that all of its rows share."""
    return next(iter(measured.values()))


def draw_panels(
    context: Context,
    panels: Mapping[str, Sequence[tuple[str, Measured]]],
    x_label: str,
    shaded: bool = False,
) -> Figure:
    """Two rows of panels, drops above and counter accuracies below, a column for each of `panels`.

    Args:
        context: has the added models, drawn as lines across; many, as stars at the published models that they are.
        panels: title to models, in order: label below the axis, measured.
        x_label: what the models differ in.
        shaded: whether models of filtered data are marked.
    """
    counts = [len(models) for models in panels.values()]
    figure = Figure(figsize=(PRINT_WIDTH, 6.2), layout="constrained")
    axes = figure.subplots(2, len(panels), sharey="row", sharex="col", width_ratios=counts, squeeze=False)
    for column, (title, models) in enumerate(panels.items()):
        for axis, value in zip(axes[:, column], ("drop", "counter"), strict=True):
            _draw_panel(axis, models, value, shaded)
            if len(context.added) > FEW_ADDED:
                _star_added(axis, context, models, value)
            else:
                _draw_added(axis, context, value, column == len(panels) - 1)
        axes[0, column].set_title(title.replace("/", "/\n", 1) if len(models) < 4 else title, fontsize=SMALL)
        axes[1, column].set_xticks(range(len(models)), [label for label, _ in models], rotation=90, fontsize=SMALL)
        axes[1, column].set_xlabel(x_label, fontsize=8)
    figure.align_xlabels(axes[1])
    axes[0, 0].set_ylabel("drop (points)")
    axes[1, 0].set_ylabel("accuracy on counter photos (%)")
    axes[0, 0].set_ylim(bottom=0)
    handles: list[Line2D | Patch] = [
        Line2D(
            [],
            [],
            color=colour,
            marker=marker,
            mfc=colour if filled else "white",
            ls="",
            label=f"{source}, {SETUPS[setup]}",
        )
        for (source, setup), (colour, marker, filled) in _SERIES.items()
    ]
    if shaded:
        handles.append(Patch(color=_SHADE, label="filtered data"))
    handles += added_handles(context.added, lines=True)
    figure_legend(figure, handles, "lower")
    return figure


def _draw_panel(axis: Axes, models: Sequence[tuple[str, Measured]], value: str, shaded: bool) -> None:
    for place, (_, measured) in enumerate(models):
        if shaded and first(measured)["filtered"]:
            axis.axvspan(place - 0.5, place + 0.5, color=_SHADE, lw=0, zorder=0)
        for number, (series, (colour, marker, filled)) in enumerate(_SERIES.items()):
            if series in measured:
                row = measured[series]
                axis.errorbar(
                    place + _BESIDE * (number - 1.5),
                    row[value],
                    yerr=row[f"{value}_half"],
                    fmt=marker,
                    color=colour,
                    mfc=colour if filled else "white",
                    ms=4.2,
                    elinewidth=0.9,
                )
    axis.set_xlim(-0.6, len(models) - 0.4)
    axis.tick_params(axis="y", labelsize=8)
    axis.grid(axis="y", color="0.9")
    axis.set_axisbelow(True)


def _star_added(axis: Axes, context: Context, models: Sequence[tuple[str, Measured]], value: str) -> None:
    """A star at each published model that was evaluated again."""
    places = {
        (first(measured)["backbone"], first(measured)["pretrain"]): place for place, (_, measured) in enumerate(models)
    }
    for setup in SETUPS:
        for number, model in context.added_in(setup, "simple"):
            if (place := places.get((model.backbone, model.pretrain))) is not None:
                common, counter = model.accuracies["balanced"]
                at = counter if value == "counter" else common - counter
                mark_added(axis, float(place), at, number, len(context.added))


def _draw_added(axis: Axes, context: Context, value: str, marked: bool) -> None:
    for number, model in enumerate(context.added, 1):
        if model.setup not in SETUPS or model.prompt not in ("simple", "none"):
            continue
        common, counter = model.accuracies["balanced"]
        at = counter if value == "counter" else common - counter
        axis.axhline(at, color="black", lw=0.9, ls=ADDED_LINES[(number - 1) % len(ADDED_LINES)], zorder=1)
        axis.axhspan(*model.intervals[value], color="black", alpha=0.07, lw=0, zorder=1)
        if marked:
            where = axis.get_yaxis_transform()
            axis.plot(1.0, at, "*", color="black", ms=9, transform=where, clip_on=False, zorder=6)
            axis.annotate(
                str(number),
                (1.0, at),
                (8, -3),
                xycoords=where,
                textcoords="offset points",
                fontsize=SMALL,
                weight="bold",
            )


def draw_same_data(context: Context) -> Figure:
    """A column for each data set, backbones from the smallest to the largest; above drops, below counter accuracy."""
    found = related_models(context, "pretrain")
    panels = {}
    for data in sorted(found, key=lambda name: (float(first(next(iter(found[name].values())))["pairs"]), name)):
        sizes = {name: float(first(measured)["parameters"]) for name, measured in found[data].items()}
        panels[data] = [
            (f"{name} ({sizes[name]:,.0f} M)", found[data][name])
            for name in sorted(sizes, key=lambda name: (sizes[name], name))
        ]
    return draw_panels(context, panels, "tower")


def draw_same_backbone(context: Context) -> Figure:
    """A column for each backbone, data sets from the smallest to the largest; above drops, below counter accuracy."""
    panels = {}
    for backbone, models in related_models(context, "backbone").items():
        pairs = {name: float(first(measured)["pairs"]) for name, measured in models.items()}
        panels[backbone] = [
            (f"{name}\n{_words(pairs[name])}", models[name])
            for name in sorted(models, key=lambda name: (pairs[name], name))
        ]
    return draw_panels(context, panels, "data", shaded=True)


def _words(millions: float) -> str:
    return f"{millions / 1000:.3g} billion" if millions >= 1000 else f"{millions:.3g} million"
