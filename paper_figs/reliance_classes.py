"""S19 class by class: each class's index and shift, and which line describes them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figs.panels import COLOURS, legend, name_axes
from paper_figs.reliance import note_source
from published.tables import DIRECTORY, PublishedTables, read_classwise
from realdata.reliance import study
from realdata.reliance.class_result import ClassSummary, ClassTest

_SOURCES = {"paper": (COLOURS[5], "o", 0.17), "replication": (COLOURS[0], "s", -0.17)}
# Where axes end; an arrow at the edge says that a value or interval goes on.
_INDEX, _INTERCEPT = (-0.5, 2.5), (-4.0, 1.0)


def draw(tables: PublishedTables, directory: Path = DIRECTORY) -> Figure:
    """A row for each class, sorted by the replication's shift: index of the ray, intercept, shift.

    Args:
        tables: the averages and photo counts.
        directory: of the class-wise tables.
    """
    found = study(tables, read_classwise(directory))
    shifts = {test.imagenet_index: test.shift for test in found.classes}  # the replication's, which come last
    order = sorted(shifts, key=lambda index: shifts[index])
    labels = {test.imagenet_index: test.label for test in found.classes}
    figure = Figure(figsize=(13.8, 10.5), layout="constrained")
    axes = [figure.add_subplot(1, 4, number + 1) for number in range(4)]
    for source, (colour, marker, offset) in _SOURCES.items():
        tests = [test for test in found.classes if test.source == source]
        rows = np.array([order.index(test.imagenet_index) for test in tests]) + offset
        style = {"color": colour, "marker": marker, "label": source}
        _index(axes[0], rows, tests, style)
        _intercepts(axes[1], rows, tests, style)
        errors = 1.96 * np.array([test.shift_stderr for test in tests])
        axes[2].errorbar([test.shift for test in tests], rows, xerr=errors, fmt=marker, color=colour, markersize=4,
                         linewidth=1.0, label=source)  # fmt: skip
    for axis in axes[:3]:
        axis.set_ylim(-0.8, len(order) - 0.2)
        axis.axvline(0.0, color="0.4", linewidth=0.8)
        axis.grid(alpha=0.25)
        axis.set_yticks(range(len(order)), [labels[index] for index in order] if axis is axes[0] else [""] * len(order),
                        fontsize=8)  # fmt: skip
    name_axes(axes[0], "one ray: its index [95%]\nfilled: rejected after correction", "index of spurious reliance", "")
    name_axes(axes[1], "does the line miss the origin?\n95% by profile likelihood", "intercept (probits)", "")
    name_axes(axes[2], "counter photos harder for all:\nshift of the line of slope 1 [95%]", "shift (probits)", "")
    axes[0].set_xlim(*_INDEX)
    axes[1].set_xlim(*_INTERCEPT)
    legend(axes[2])
    _criteria(axes[3], found.summaries)
    figure.suptitle("Class by class, no single index describes the models: their accuracies shift instead", fontsize=12)
    note_source(figure, "class-wise accuracies as printed, paper Tables 15 and 16 (5 CLIPs) and replication "
                "(15 CLIPs), 1 vs. 1000; arrows: beyond the axis")  # fmt: skip
    return figure


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
        for end, edge, arrow in ((low, _INTERCEPT[0], "<"), (high, _INTERCEPT[1], ">")):
            if abs(end) > abs(edge):
                axis.plot(edge, row, arrow, color=style["color"], markersize=4, clip_on=False)
        if _INTERCEPT[0] < test.intercept < _INTERCEPT[1]:
            axis.plot(test.intercept, row, style["marker"], color=style["color"], markersize=4)


def _criteria(axis: Axes, summaries: Sequence[ClassSummary]) -> None:
    """How much worse each line describes all classes than the best one, and how many classes reject it."""
    names = ("ray", "chance", "shift", "line")
    words = ("ray\nreliance,\n50%", "chance\nreliance,\n1 / 1000", "shift\nharder\nphotos", "line\nany")
    for number, summary in enumerate(summaries):
        colour = _SOURCES[summary.source][0]
        places = np.arange(len(names)) + 0.4 * (number - 0.5)
        shares = [100 * summary.rejected_at_5[name] / summary.classes for name in names]
        hatch = "" if number == 0 else "//"
        axis.bar(places, shares, 0.38, color=colour, edgecolor="white", hatch=hatch, label=summary.source)
        for place, share, name in zip(places, shares, names, strict=True):
            axis.text(place, share + 1, f"{summary.qaicc[name]:.0f}", ha="center", fontsize=8)
    axis.axhline(5.0, color="black", linestyle="--", linewidth=1.0, label="by chance")
    axis.set_xticks(range(len(names)), words, fontsize=8)
    axis.set_ylim(0, 100)
    name_axes(axis, "which line describes the classes?\nnumbers: quasi-AICc, less the best's", "",
              "classes that reject it at 5%, uncorrected (%)")  # fmt: skip
    legend(axis)
