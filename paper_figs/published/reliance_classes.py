"""S19 class by class: each class's index and shift, and which line describes them."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import norm

from paper_figs.context import Context
from paper_figs.looks import ADDED, added_handles
from paper_figs.looks import legend as figure_legend
from paper_figs.panels import COLOURS, legend, name_axes
from paper_figs.published.reliance import STYLES
from realdata.claims.added_models import AddedModel
from realdata.reliance.alternatives import Alternatives
from realdata.reliance.class_summary import ClassSummary
from realdata.reliance.classes import ClassTest
from realdata.reliance.table import FAMILY_NAMES

_SOURCES = {"paper": (COLOURS[5], "o", 0.17), "replication": (COLOURS[0], "s", -0.17)}
_LINES = {
    "ray": "ray\nreliance,\n50%",
    "chance": "chance\nreliance,\n1 / K",
    "shift": "shift\nharder\nphotos",
    "line": "line\nany",
}
# Where axes end: an arrow at the edge says that a value or interval goes on.
_INDEX, _INTERCEPT = (-0.5, 2.5), (-4.0, 1.0)


def draw(context: Context) -> Figure:
    """A row for each class, sorted by the replication's shift: index of the ray, intercept, shift."""
    found = context.reliance
    shifts = {test.imagenet_index: test.shift for test in found.classes}  # the replication's, which come last
    order = sorted(shifts, key=lambda index: shifts[index])
    labels = {test.imagenet_index: test.label for test in found.classes}
    figure = Figure(figsize=(13.8, 10.5), layout="constrained")
    grid = figure.add_gridspec(2, 4)
    axes = [figure.add_subplot(grid[:, number]) for number in range(3)]
    for source, (colour, marker, offset) in _SOURCES.items():
        tests = [test for test in found.classes if test.source == source]
        rows = np.array([order.index(test.imagenet_index) for test in tests]) + offset
        style = {"color": colour, "marker": marker, "label": source}
        _index(axes[0], rows, tests, style)
        _intercepts(axes[1], rows, tests, style)
        errors = 1.96 * np.array([test.shift_stderr for test in tests])
        axes[2].errorbar([test.shift for test in tests], rows, xerr=errors, fmt=marker, color=colour, markersize=4,
                         linewidth=1.0, label=source)  # fmt: skip
    added = context.added_in("1v1000", "simple")
    for number, model in added:
        _added(axes[2], order, number, model)
    for axis in axes[:3]:
        axis.set_ylim(-0.8, len(order) - 0.2)
        axis.axvline(0.0, color="0.4", linewidth=0.8)
        axis.grid(alpha=0.25)
        axis.set_yticks(range(len(order)), [labels[index] for index in order] if axis is axes[0] else [""] * len(order),
                        fontsize=8)  # fmt: skip
    name_axes(
        axes[0],
        "one ray: its index [95%]\nfilled: rejected after correction",
        "index of spurious reliance",
        "class, by its shift in the replication",
    )
    name_axes(axes[1], "does the line miss the origin?\n95% by profile likelihood", "intercept (probits)", "class")
    name_axes(axes[2], "counter photos harder for all:\nshift of the line of slope 1 [95%]", "shift (probits)", "class")
    axes[0].set_xlim(*_INDEX)
    axes[1].set_xlim(*_INTERCEPT)
    legend(axes[2])
    _criteria(figure.add_subplot(grid[0, 3]), found.summaries)
    _averages(figure.add_subplot(grid[1, 3]), found.alternatives)
    if added:
        figure_legend(figure, added_handles([model for _, model in added]), "lower")
    figure.suptitle("Class by class: one index of reliance for all models, and what describes them better", fontsize=12)
    return figure


def _added(axis: Axes, order: Sequence[int], number: int, model: AddedModel) -> None:
    """A star with the number of an added model at its own shift in each class, where neither accuracy is 0 or 100%."""
    for each in model.classes.to_dict("records"):
        common, counter = each["common"] / 100, each["counter"] / 100
        if each["imagenet_index"] in order and 0 < common < 1 and 0 < counter < 1:
            shift, row = float(norm.ppf(counter) - norm.ppf(common)), order.index(each["imagenet_index"])
            axis.plot(shift, row, **(ADDED | {"markersize": 7}))
            axis.annotate(str(number), (shift, row), (-4, 2), textcoords="offset points", ha="right", fontsize=7)


def _index(axis: Axes, rows: np.ndarray, tests: Sequence[ClassTest], style: dict[str, str]) -> None:
    label: str | None = style["label"]
    for row, test in zip(rows, tests, strict=True):
        if test.reliance is None or test.interval is None:
            continue
        filled = style["color"] if test.verdict == "rejected" else "white"
        inside = _INDEX[0] < test.reliance < _INDEX[1]
        if inside:
            axis.plot(np.clip(test.interval, *_INDEX), [row, row], color=style["color"], linewidth=1.0)
        marker = style["marker"] if inside else ">" if test.reliance > 0 else "<"
        axis.plot(np.clip(test.reliance, *_INDEX), row, marker, color=style["color"], markerfacecolor=filled,
                  markersize=4, label=label, clip_on=False)  # fmt: skip
        label = None


def _intercepts(axis: Axes, rows: np.ndarray, tests: Sequence[ClassTest], style: dict[str, str]) -> None:
    for row, test in zip(rows, tests, strict=True):
        low, high = (limit if end is None else end for end, limit in zip(test.intercept_interval, (-6, 6), strict=True))
        axis.plot(np.clip([low, high], *_INTERCEPT), [row, row], color=style["color"], linewidth=1.0)
        for beyond, edge, arrow in (
            (low < _INTERCEPT[0], _INTERCEPT[0], "<"),
            (high > _INTERCEPT[1], _INTERCEPT[1], ">"),
        ):
            if beyond:
                axis.plot(edge, row, arrow, color=style["color"], markersize=4, clip_on=False)
        if _INTERCEPT[0] < test.intercept < _INTERCEPT[1]:
            axis.plot(test.intercept, row, style["marker"], color=style["color"], markersize=4)


def _criteria(axis: Axes, summaries: Sequence[ClassSummary]) -> None:
    """How much worse each line describes all classes than the best one, and how many classes reject it."""
    for number, summary in enumerate(summaries):
        places = np.arange(len(_LINES)) + 0.4 * (number - 0.5)
        shares = [100 * summary.rejected_at_5[name] / summary.classes for name in _LINES]
        axis.bar(places, shares, 0.38, color=_SOURCES[summary.source][0], edgecolor="white",
                 hatch="//" if number else "", label=summary.source)  # fmt: skip
        for place, share, name in zip(places, shares, _LINES, strict=True):
            axis.text(place, share + 1, f"{summary.qaicc[name]:.0f}", ha="center", fontsize=8, rotation=90)
    axis.axhline(5.0, color="black", linestyle="--", linewidth=1.0, label="by chance")
    axis.set_xticks(range(len(_LINES)), list(_LINES.values()), fontsize=8)
    axis.set_ylim(0, 100)
    title = "which line describes the classes?\nnumbers: quasi-AICc, less the best's"
    name_axes(axis, title, "line", "classes that reject it at 5%, uncorrected (%)")
    legend(axis)


def _averages(axis: Axes, alternatives: Sequence[Alternatives]) -> None:
    """How much worse each line describes a family's averages than the best one, a point for each setting."""
    for family, (colour, marker) in STYLES.items():
        rows = [row for row in alternatives if row.family == family and row.setting["selector"] != "excluded"]
        side = 0.12 if family == "clip" else -0.12
        for place, name in enumerate(_LINES):
            axis.plot([place + side] * len(rows), [row.aicc[name] for row in rows], marker, color=colour, markersize=5,
                      markeredgecolor="white", label=FAMILY_NAMES[family] if place == 0 else None)  # fmt: skip
    axis.set_xticks(range(len(_LINES)), list(_LINES.values()), fontsize=8)
    axis.grid(alpha=0.25)
    name_axes(axis, "and the averages?\na point for each setting", "line", "AICc, less the best line's")
    legend(axis)
