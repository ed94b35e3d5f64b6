"""Claim C2: CLIPs against ImageNet models of the same accuracy, setting by setting and as a forest plot."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy.special import logit

from paper_figs.context import Context
from paper_figs.looks import (
    ADDED,
    PRINT_WIDTH,
    SETUPS,
    added_handles,
    figure_legend,
    mark_added,
    on_logits,
    percent_on_logits,
    photo_intervals,
)
from realdata.claims.c2_robustness import setting_robustness
from realdata.claims.settings import Setting, is_repeated, is_selector, settings
from workbench.palette import BLACK, BLUE, VERMILION

_CLIP, _IMAGENET = VERMILION, BLUE
_COLUMNS = 2
_COMMON, _COUNTER = (56.0, 95.0), (30.0, 92.0)  # ends of the axes, in %


def draw_effective_robustness(context: Context) -> Figure:
    """One panel for each setting in which C2 can be asked, the selecting model included and marked."""
    offered = list(settings(context.tables))
    chosen = [
        setting
        for setting in offered
        if setting.selector == "included" and len(setting.imagenet) and not is_repeated(setting, offered)
    ]
    rows = -(-len(chosen) // _COLUMNS)
    figure = Figure(figsize=(PRINT_WIDTH, 3.5 * rows), layout="constrained")
    axes = figure.subplots(rows, _COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    for axis in axes[len(chosen) :]:
        axis.set_axis_off()
    added = [
        model.accuracies[setting.averaging]
        for setting in chosen
        for _, model in context.added_in(setting.setup, setting.prompt)
    ]
    for place, (axis, setting) in enumerate(zip(axes, chosen, strict=False)):
        _draw_setting(axis, setting, _claim_row(setting, context), context, added)
        axis.label_outer()
        if place + _COLUMNS >= len(chosen):
            axis.xaxis.set_tick_params(labelbottom=True)
            axis.set_xlabel("accuracy on common photos (%)")
    handles = [*axes[0].get_legend_handles_labels()[0], *added_handles(context.added)]
    figure_legend(figure, handles, "lower")
    _set_title(figure, [_claim_row(setting, context) for setting in chosen], "settings")
    return figure


def _set_title(figure: Figure, rows: Sequence[Mapping[str, Any]], asked: str) -> None:
    """How often the claim is supported."""
    shown = sum(row["verdict"] == "supported" for row in rows)
    words = "CLIPs are shown to lose more than ImageNet models of their common accuracy"
    figure.suptitle(f"{words}\nin {shown} of {len(rows)} {asked}", fontsize=10, weight="bold")


def _claim_row(setting: Setting, context: Context) -> Mapping[str, Any]:
    """The claim's row for this setting, values as printed."""
    return next(
        row
        for row in context.claims["claims"]
        if row["claim"] == "C2"
        and row["source"] == setting.source
        and row["setting"]["values"] == "as printed"
        and row["setting"].items() >= setting.describe().items()
    )


def _draw_setting(
    axis: Axes,
    setting: Setting,
    row: Mapping[str, Any],
    context: Context,
    also: Sequence[tuple[float, float]],
) -> None:
    clips, imagenet = setting.clips, setting.imagenet
    line = setting_robustness(setting, context.tables)
    selecting = is_selector(clips)
    span = logit(np.linspace(*_COMMON, 50) / 100)
    axis.plot(span, line.intercept + line.slope * span, color=_IMAGENET, lw=1.2)
    axis.plot(span, span, color="0.6", lw=0.9, ls=":", label="no loss")
    for frame, colour, marker, label in (
        (imagenet, _IMAGENET, "s", "ImageNet models, their line"),
        (clips[~selecting], _CLIP, "o", "CLIPs"),
        (clips[selecting], BLACK, "X", "CLIP that selected the photos"),
    ):
        counter = frame["counter"].to_numpy()
        half = photo_intervals(frame, context, setting.averaging, "counter")
        places = on_logits(counter)
        ends = np.stack([places - on_logits(counter - half), on_logits(counter + half) - places])
        axis.errorbar(
            on_logits(frame["common"].to_numpy()),
            places,
            yerr=ends,
            fmt=marker,
            ms=5.5,
            color=colour,
            mec="white",
            mew=0.5,
            ecolor=colour,
            elinewidth=0.6,
            label=label,
        )
    for number, model in context.added_in(setting.setup, setting.prompt):
        common, counter_accuracy = on_logits(np.array(model.accuracies[setting.averaging]))
        mark_added(axis, float(common), float(counter_accuracy), number)
    low, high = row["interval"]
    clustered = row["clustered"] and "clustered [{:+.1f}, {:+.1f}]".format(*row["clustered"]["interval"])
    source = f"paper, Tables {' and '.join(setting.tables)}" if setting.tables else "replication"
    axis.set_title(
        f"{source}\n{setting.setup}, {setting.prompt}, {setting.averaging}\n"
        f"{row['effect']:+.1f} points [{low:+.1f}, {high:+.1f}], {clustered or 'no clusters'}\n{row['verdict']}",
        fontsize=8,
    )
    axis.grid(color="0.93")
    axis.set_axisbelow(True)
    percent_on_logits(axis, _COMMON, _COUNTER, also)


_ROW = 0.2  # inches
_WITHIN = 0.16  # of a row, between the two intervals
_LOOKS: dict[str, dict[str, Any]] = {
    "as printed": {"color": BLUE, "marker": "o"},
    "corrected": {"color": VERMILION, "marker": "D"},
}
_SELECTORS = {
    "included": "all CLIPs",
    "excluded": "without the selecting model",
    "family excluded": "without its family",
}


def draw_forest(context: Context) -> Figure:
    """A block for each way of measuring, a row for each choice of models and values; the verdict at the right."""
    rows = [
        row for row in context.claims["claims"] if row["claim"] == "C2" and row["question"] == "effective robustness"
    ]
    blocks: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        blocks.setdefault(_heading(row), []).append(row)
    added = [(number, model) for number, model in enumerate(context.added, 1) if "value" in model.robustness]
    lines = sum(len(block) + 1 for block in blocks.values()) + (len(added) + 1 if added else 0)
    figure = Figure(figsize=(PRINT_WIDTH, _ROW * lines + 1.5), layout="constrained")
    axis = figure.subplots()
    ticks: dict[float, str] = {}
    place = 0.0
    for heading, block in blocks.items():
        _write_heading(axis, place, heading)
        for row in sorted(block, key=_order):
            place += 1
            ticks[place] = f"{_SELECTORS[row['setting']['selector']]}, {row['setting']['values']}"
            _draw_row(axis, place, row)
        place += 1
    if added:
        _write_heading(axis, place, "added models, each against the published ImageNet models")
    for number, model in added:
        place += 1
        ticks[place] = f"{number}: {model.name}, {SETUPS.get(model.setup, model.setup)}"
        axis.plot(model.robustness["interval"], [place, place], color="black", lw=0.9, ls=":")
        axis.plot(model.robustness["value"], place, **(ADDED | {"markersize": 10}))
        _write_at_right(axis, place, f"{model.robustness['value']:+.1f}")
    axis.axvline(0, color="0.3", lw=0.9)
    axis.set_yticks(list(ticks), list(ticks.values()), fontsize=8)
    axis.set_ylim(lines - 0.3, -0.8)
    axis.tick_params(axis="y", length=0)
    axis.set_xlabel("mean effective robustness of CLIPs (points)")
    axis.set_ylabel("models and values")
    axis.grid(axis="x", color="0.9")
    axis.set_axisbelow(True)
    axis.spines[["top", "right", "left"]].set_visible(False)
    _set_title(figure, rows, "tests")
    figure_legend(figure, _handles(bool(added)), "lower")
    return figure


def _heading(row: Mapping[str, Any]) -> str:
    setting = row["setting"]
    source = f"{row['source']}, Tables {' and '.join(row['tables'])}" if row["tables"] else row["source"]
    return f"{source}: {SETUPS[setting['setup']]}, prompt {setting['prompt']}, {setting['averaging']}"


def _order(row: Mapping[str, Any]) -> tuple[int, int]:
    setting = row["setting"]
    return list(_SELECTORS).index(setting["selector"]), list(_LOOKS).index(setting["values"])


def _draw_row(axis: Axes, place: float, row: Mapping[str, Any]) -> None:
    look = _LOOKS[row["setting"]["values"]]
    colour = look["color"]
    axis.plot(row["interval"], [place - _WITHIN] * 2, color=colour, lw=2.6, solid_capstyle="butt")
    if row["clustered"]:
        axis.plot(row["clustered"]["interval"], [place + _WITHIN] * 2, color=colour, lw=1.0)
    axis.plot(row["effect"], place, ls="", ms=5.5, mec="white", mew=0.7, zorder=4, **look)
    _write_at_right(axis, place, f"{row['effect']:+.1f}  {row['verdict']}", bold=row["verdict"] != "inconclusive")


def _write_heading(axis: Axes, place: float, words: str) -> None:
    axis.annotate(words, (0, place), xycoords=axis.get_yaxis_transform(), va="center", fontsize=8, weight="bold")


def _write_at_right(axis: Axes, place: float, words: str, bold: bool = False) -> None:
    axis.annotate(
        words,
        (1.01, place),
        xycoords=axis.get_yaxis_transform(),
        va="center",
        fontsize=8,
        weight="bold" if bold else "normal",
        annotation_clip=False,
    )


def _handles(added: bool) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [
        *(Line2D([], [], ls="", ms=6, label=f"values {values}", **look) for values, look in _LOOKS.items()),
        Line2D([], [], color="0.3", lw=2.6, label="95%, models independent"),
        Line2D([], [], color="0.3", lw=1.0, label="95%, clustered"),
    ]
    if added:
        prediction = "added model; 95% for one more ImageNet model"
        handles.append(Line2D([], [], **(ADDED | {"markersize": 9, "linestyle": ":"}), label=prediction))
    return handles
