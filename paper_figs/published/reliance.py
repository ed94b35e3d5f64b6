"""S19 on the published accuracies: the index of spurious reliance of families, classes and models."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.stats import norm

from paper_figs.context import Context
from paper_figs.looks import PRINT_WIDTH, legend, name_axes, panels
from paper_figs.published.looks import ADDED, added_handles, figure_legend, mark_added, short
from realdata.claims.added_models import AddedModel
from realdata.reliance.alternatives import Alternatives
from realdata.reliance.class_summary import ClassSummary
from realdata.reliance.classes import ClassTest
from realdata.reliance.models import ClasswiseIndex
from realdata.reliance.table import FAMILY_NAMES
from workbench.conventions import Z95
from workbench.palette import BLUE, GREEN, VERMILION

STYLES = {"clip": (VERMILION, "o"), "imagenet": (BLUE, "s")}
_TICKS = np.array([10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 98])


def draw_reliance(context: Context) -> Figure:
    """A panel for each setting in which both families were measured; axes in accuracy, spaced as probits."""
    found = context.reliance
    rows = [row for row in found.comparisons if row.setting["selector"] == "included"]
    figure, axes = panels(len(rows), height=3.9)
    for axis, row in zip(axes, rows, strict=True):
        for family, (colour, marker) in STYLES.items():
            of_imagenet = {"prompt": "none", "selector": "none"}
            setting = row.setting if family == "clip" else row.setting | of_imagenet
            own = row.tables[:1] if family == "clip" else row.tables[1:]
            (test,) = (t for t in found.tests if (t.family, t.source, t.tables, t.setting) ==
                       (family, row.source, own, setting))  # fmt: skip
            (line,) = (t for t in found.alternatives if (t.family, t.source, t.tables, t.setting) ==
                       (family, row.source, own, setting))  # fmt: skip
            table = (own or ("replication",))[0]
            models = [
                model for model in found.models
                if (model.source, model.table, model.family) == (row.source, table, family)
                and all(model.setting[key] == row.setting[key] for key in ("setup", "averaging"))
            ]  # fmt: skip
            places = norm.ppf(np.clip(np.array([[m.common, m.counter] for m in models]) / 100, 1e-4, 1 - 1e-4))
            axis.plot(places[:, 0], places[:, 1], marker, color=colour, markersize=5, markeredgecolor="white", zorder=3)
            low, high = test.interval
            ends = np.array([0.0, norm.ppf(0.955)])
            steepest, flattest = ((1 - tau) / (1 + tau) * ends for tau in (low, high))
            axis.fill_between(ends, flattest, steepest, color=colour, alpha=0.12, linewidth=0)
            label = f"{FAMILY_NAMES[family]}: {test.reliance:.2f} [{low:.2f}, {high:.2f}], {test.verdict}"
            axis.plot(ends, test.slope * ends, color=colour, linewidth=1.5, label=label)
            ends = np.array([norm.ppf(0.2), norm.ppf(0.955)])
            low, high = line.slope_interval
            label = f"slope {line.slopes['line']:.2f} [{low:.2f}, {high:.2f}]; best: {_best(line.aicc)}"
            axis.plot(ends, line.intercepts["line"] + line.slopes["line"] * ends, "--", color=colour, linewidth=1.2,
                      label=label)  # fmt: skip
        for number, model in context.added_in(row.setting["setup"], row.setting["prompt"]):
            shares = np.array(model.accuracies[row.setting["averaging"]]) / 100
            common, counter = norm.ppf(np.clip(shares, 1e-4, 1 - 1e-4))
            mark_added(axis, float(common), float(counter), number, len(context.added))
        axis.plot([-2.0, 3.0], [-2.0, 3.0], ":", color="0.6", label="equal accuracies: index 0")
        for ticks in (axis.set_xticks, axis.set_yticks):
            ticks(norm.ppf(_TICKS / 100), [f"{tick}" for tick in _TICKS])
        axis.set_xlim(float(norm.ppf(0.38)), float(norm.ppf(0.955)))
        axis.set_ylim(float(norm.ppf(0.1)), float(norm.ppf(0.992)))
        source = f"paper, Tables {' and '.join(row.tables)}" if row.tables else "replication"
        title = f"{source}\n{row.setting['setup']}, {row.setting['prompt']}, {row.setting['averaging']}"
        name_axes(axis, title, "accuracy on common photos (%)", "accuracy on counter photos (%)")
        legend(axis)
    if context.added:
        figure_legend(figure, added_handles(context.added), "lower")
    rejected = sum(test.verdict == "rejected" for test in found.tests)
    words = "One index of reliance is a line through (50%, 50%), which is rejected"
    figure.suptitle(f"{words}\nin {rejected} of {len(found.tests)} families and settings", fontsize=10, weight="bold")
    return figure


def _best(aicc: dict[str, float]) -> str:
    return min(aicc, key=lambda name: aicc[name])


_CLASS_SOURCES = {"paper": (VERMILION, "o", 0.17), "replication": (BLUE, "s", -0.17)}
_LINES = {
    "ray": "ray\nreliance,\n50%",
    "chance": "chance\nreliance,\n1 / K",
    "shift": "shift\nharder\nphotos",
    "line": "line\nany",
}
# Where axes end: an arrow at the edge says that a value or interval goes on.
_INDEX, _INTERCEPT = (-0.5, 2.5), (-4.0, 1.0)


def draw_reliance_classes(context: Context) -> Figure:
    """A row for each class, sorted by the replication's shift: index of the ray, intercept, shift."""
    found = context.reliance
    shifts = {test.imagenet_index: test.shift for test in found.classes}  # the replication's, which come last
    order = sorted(shifts, key=lambda index: shifts[index])
    labels = {test.imagenet_index: test.label for test in found.classes}
    figure = Figure(figsize=(PRINT_WIDTH, 11.0), layout="constrained")
    grid = figure.add_gridspec(2, 6, height_ratios=(2.6, 1))
    axes = [figure.add_subplot(grid[0, 2 * number : 2 * number + 2]) for number in range(3)]
    for source, (colour, marker, offset) in _CLASS_SOURCES.items():
        tests = [test for test in found.classes if test.source == source]
        rows = np.array([order.index(test.imagenet_index) for test in tests]) + offset
        style = {"color": colour, "marker": marker, "label": source}
        _draw_indices(axes[0], rows, tests, style)
        _draw_intercepts(axes[1], rows, tests, style)
        errors = Z95 * np.array([test.shift_stderr for test in tests])
        axes[2].errorbar([test.shift for test in tests], rows, xerr=errors, fmt=marker, color=colour, markersize=4,
                         linewidth=1.0, label=source)  # fmt: skip
    added = context.added_in("1v1000", "simple")
    for number, model in added:
        _draw_added(axes[2], order, number, model)
    for axis in axes[:3]:
        axis.set_ylim(-0.8, len(order) - 0.2)
        axis.axvline(0.0, color="0.4", linewidth=0.8)
        axis.grid(alpha=0.25)
        names = [short(labels[index]) if axis is axes[0] else "" for index in order]
        axis.set_yticks(range(len(order)), names, fontsize=8)
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
    _draw_criteria(figure.add_subplot(grid[1, :3]), found.summaries)
    _draw_averages(figure.add_subplot(grid[1, 3:]), found.alternatives)
    if added:
        figure_legend(figure, added_handles([model for _, model in added]), "lower")
    return figure


def _draw_added(axis: Axes, order: Sequence[int], number: int, model: AddedModel) -> None:
    """A star with the number of an added model at its own shift in each class, where neither accuracy is 0 or 100%."""
    for each in model.classes.to_dict("records"):
        common, counter = each["common"] / 100, each["counter"] / 100
        if each["imagenet_index"] in order and 0 < common < 1 and 0 < counter < 1:
            shift, row = float(norm.ppf(counter) - norm.ppf(common)), order.index(each["imagenet_index"])
            axis.plot(shift, row, **(ADDED | {"markersize": 7}))
            axis.annotate(str(number), (shift, row), (-4, 2), textcoords="offset points", ha="right", fontsize=8)


def _draw_indices(axis: Axes, rows: np.ndarray, tests: Sequence[ClassTest], style: dict[str, str]) -> None:
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


def _draw_intercepts(axis: Axes, rows: np.ndarray, tests: Sequence[ClassTest], style: dict[str, str]) -> None:
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


def _draw_criteria(axis: Axes, summaries: Sequence[ClassSummary]) -> None:
    """How much worse each line describes all classes than the best one, and how many classes reject it."""
    for number, summary in enumerate(summaries):
        places = np.arange(len(_LINES)) + 0.4 * (number - 0.5)
        shares = [100 * summary.rejected_at_5[name] / summary.classes for name in _LINES]
        axis.bar(places, shares, 0.38, color=_CLASS_SOURCES[summary.source][0], edgecolor="white",
                 hatch="//" if number else "", label=summary.source)  # fmt: skip
        for place, share, name in zip(places, shares, _LINES, strict=True):
            axis.text(place, share + 1, f"{summary.qaicc[name]:.0f}", ha="center", fontsize=8, rotation=90)
    axis.axhline(5.0, color="black", linestyle="--", linewidth=1.0, label="by chance")
    axis.set_xticks(range(len(_LINES)), list(_LINES.values()), fontsize=8)
    axis.set_ylim(0, 100)
    title = "which line describes the classes?\nnumbers: quasi-AICc, less the best's"
    name_axes(axis, title, "line", "classes that reject it at 5%, uncorrected (%)")
    legend(axis)


def _draw_averages(axis: Axes, alternatives: Sequence[Alternatives]) -> None:
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


_SOURCES = ("paper", "replication")
_CLASSWISE_COLOUR = GREEN
# An index beyond is that of a model near 50%, whose two probits almost sum to 0.
_LARGEST = 2.0


class _Row(NamedTuple):
    """A model with its index; `family` is `added` for one that was evaluated here."""

    name: str
    value: float
    interval: tuple[float, float]
    family: str
    classwise: ClasswiseIndex | None


def draw_reliance_models(context: Context) -> Figure:
    """A panel for each source: its models at 1 vs. 1000, class-balanced, the least reliant at the bottom."""
    figure = Figure(figsize=(PRINT_WIDTH, 8.0), layout="constrained")
    for place, source in enumerate(_SOURCES):
        models = [
            model for model in context.reliance.models
            if model.source == source and model.table in ("3", "4", "replication")
            and (model.setting["setup"], model.setting["averaging"]) == ("1v1000", "balanced")
        ]  # fmt: skip
        rows = [
            _Row(f"{model.backbone} {model.pretrain}", model.reliance, model.interval, model.family, model.classwise)
            for model in models
            if model.reliance is not None and model.interval is not None
        ]
        missing = len(models) - len(rows)
        rows += [
            _Row(f"{number}: {model.name}", found["value"], (found["interval"][0], found["interval"][1]), "added", None)
            for number, model in context.added_in("1v1000", "simple")
            if "value" in (found := model.reliance)
        ]
        rows.sort(key=lambda row: row.value)
        axis = figure.add_subplot(1, 2, place + 1)
        for height, row in enumerate(rows):
            _draw_row(axis, height, row)
        axis.set_yticks(range(len(rows)), [row.name for row in rows], fontsize=8)
        axis.axvline(0.0, color="0.4", linewidth=0.8)
        axis.axvline(1.0, color="0.4", linewidth=0.8, linestyle=":")
        axis.grid(alpha=0.25)
        axis.set_xlim(-0.1, _LARGEST)
        axis.set_ylim(-1, len(rows))
        words = "paper, Tables 3 and 4" if source == "paper" else "replication"
        name_axes(axis, "", "index [95%]", "model, by its index")
        # The names of models leave a panel half the width that titles are broken for.
        axis.set_title(f"{words}\n1 vs. 1000, class-balanced\n{missing} without an index", fontsize=9)
    handles: list[Any] = [
        Line2D([], [], color=colour, marker=marker, label=f"{FAMILY_NAMES[family]}, from averages")
        for family, (colour, marker) in STYLES.items()
    ]
    handles.append(
        Line2D([], [], color=_CLASSWISE_COLOUR, marker="D", label="mean over classes; thin: one standard deviation")
    )
    figure_legend(
        figure, handles + added_handles([model for _, model in context.added_in("1v1000", "simple")]), "lower"
    )
    return figure


def _draw_row(axis: Axes, height: int, row: _Row) -> None:
    if row.family == "added":
        axis.plot(np.clip(row.interval, None, _LARGEST), [height, height], color="black", linewidth=1.2)
        axis.plot(min(row.value, _LARGEST), height, **(ADDED | {"markersize": 11}), clip_on=False)
        return
    colour, marker = STYLES[row.family]
    axis.plot(np.clip(row.interval, None, _LARGEST), [height, height], color=colour, linewidth=1.2)
    beyond = row.value > _LARGEST
    axis.plot(min(row.value, _LARGEST), height, ">" if beyond else marker, color=colour, markersize=5, clip_on=False)
    if row.classwise is not None:
        found = row.classwise
        spread = np.array([-found.spread, found.spread])
        axis.plot(found.reliance + spread, [height - 0.3] * 2, color=_CLASSWISE_COLOUR, linewidth=0.7)
        axis.plot(found.interval, [height - 0.3] * 2, color=_CLASSWISE_COLOUR, linewidth=2.2)
        axis.plot(found.reliance, height - 0.3, "D", color=_CLASSWISE_COLOUR, markersize=4)
