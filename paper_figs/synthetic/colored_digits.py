"""Coloured digits: every learner in every row of Table 8, and how far it relies on the colour."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from paper_figs.context import Context
from paper_figs.looks import PRINT_WIDTH
from paper_figs.saved_result import DIGITS_TABLE, Shape, check_shape, command
from sims.colored_digits.display import NAMES, STYLES
from sims.colored_digits.grid import load_table

_COLUMNS = {"rand": "Rand: any colour", "rev": "Rev: the other's colour in 90%"}
_PRINTED = {"contrastive": "perfect_language", "supervised": "cross_entropy"}


_NUMBER = int | float
# What the figures read of the table.
_SHAPE: Shape = {
    "/digits": str,
    **{f"/rows/*/{key}": _NUMBER for key in ("classes", "p_inv", "p_spu")},
    "/rows/*/results/*/objective": str,
    **{f"/rows/*/results/*/{column}_mean": _NUMBER for column in _COLUMNS},
    **{f"/rows/*/results/*/{column}_std": _NUMBER | None for column in _COLUMNS},
    **{f"/rows/*/bayes/{rule}/{column}": _NUMBER for rule in ("by_colour", "by_digit") for column in _COLUMNS},
    "/rows/*/reliance/learners/*/objective": str,
    "/rows/*/reliance/learners/*/index": _NUMBER | None,
    "/rows/*/reliance/learners/*/interval": list | None,
}
# And of its rows of two digits, which alone have a theory.
_THEORY_SHAPE: Shape = {"/rows/*/reliance/learners/*/theory/index": _NUMBER | None}


def _load(folder: Path) -> dict[str, Any]:
    file = DIGITS_TABLE.folder(folder) / DIGITS_TABLE.files[0]
    content = load_table(file.parent)
    remedy = f"make it again with: {command([DIGITS_TABLE], folder)}"
    check_shape(content, _SHAPE, file, remedy)
    check_shape({"rows": [row for row in content["rows"] if row["classes"] == 2]}, _THEORY_SHAPE, file, remedy)
    return content


def draw_colored_digits(context: Context) -> Figure:
    """Draw the accuracy of each learner in each row of the saved table, and the printed ones."""
    content = _load(context.results)
    rows = content["rows"]
    ratios = sorted({(row["p_inv"], row["p_spu"]) for row in rows}, reverse=True)
    figure = Figure(figsize=(PRINT_WIDTH, 5.6), layout="constrained")
    axes = figure.subplots(len(_COLUMNS), len(ratios), sharex=True, sharey=True, squeeze=False)
    for (line, column), (place, pair) in itertools.product(enumerate(_COLUMNS), enumerate(ratios)):
        axis = axes[line][place]
        chosen = [row for row in rows if (row["p_inv"], row["p_spu"]) == pair]
        _draw_panel(axis, chosen, column, context.multicolored_mnist)
        if line == 0:
            tie = " (a tie)" if pair[0] == pair[1] else ""
            axis.set_title(f"label = digit in {pair[0]:.0%},\nown colour in {pair[1]:.0%}{tie}", fontsize=8)
        else:
            axis.set_xlabel("number of digits")
        if place == 0:
            axis.set_ylabel(f"accuracy on 0 and 1 (%)\n{_COLUMNS[column]}")
    handles: list[Any] = [
        Line2D([], [], color=colour, marker=marker, label=NAMES[name])
        for name, (colour, marker) in STYLES.items()
        if any(cells["objective"] == name for cells in rows[0]["results"])
    ]
    for method, name in _PRINTED.items():
        colour, marker = STYLES[name]
        handles.append(
            Line2D([], [], color=colour, marker=marker, mfc="none", ls=":", label=f"Table 8 ({method}, MNIST)")
        )
    handles.append(Patch(color="0.88", label="Bayes; between its two ways with a tie"))
    figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return figure


def _draw_panel(axis: Axes, rows: list[Mapping[str, Any]], column: str, printed: pd.DataFrame) -> None:
    classes = [row["classes"] for row in rows]
    bounds = [[row["bayes"][rule][column] for row in rows] for rule in ("by_colour", "by_digit")]
    low, high = ([pick(pair) for pair in zip(*bounds, strict=True)] for pick in (min, max))
    axis.fill_between(classes, [value - 0.7 for value in low], [value + 0.7 for value in high], color="0.88", lw=0)
    for index, cells in enumerate(rows[0]["results"]):
        colour, marker = STYLES[cells["objective"]]
        means = [row["results"][index][f"{column}_mean"] for row in rows]
        spread = [row["results"][index][f"{column}_std"] or 0.0 for row in rows]
        axis.errorbar(classes, means, yerr=spread, color=colour, marker=marker, ms=4.5, lw=1.4, capsize=2)
    printed = printed[(printed.p_inv == rows[0]["p_inv"]) & (printed.p_spu == rows[0]["p_spu"])]
    for method, name in _PRINTED.items():
        colour, marker = STYLES[name]
        part = printed[printed.method == method]
        axis.plot(part.classes, part[f"{column}_mean"], ":", color=colour, marker=marker, mfc="none", ms=6, lw=1)
    axis.set_ylim(0, 100)
    axis.set_xticks(classes)
    axis.grid(alpha=0.25)


_LEAST, _MOST = -0.5, 4.5  # of the axis; further indices are drawn at its edge
_BESIDE = 0.13


def draw_digits_reliance(context: Context) -> Figure:
    """Draw each learner's index of reliance on the colour, measured and predicted by the linear theory."""
    content = _load(context.results)
    figure = Figure(figsize=(PRINT_WIDTH, 8.2), layout="constrained")
    left, right = figure.subplots(2, 1, sharey=True)
    _draw_theory(left, [row for row in content["rows"] if row["classes"] == 2])
    _draw_classes(right, content["rows"])
    for axis in (left, right):
        axis.set_ylabel("index of spurious reliance")
        axis.axhline(0, color="0.4", lw=0.8)
        axis.axhline(1, color="0.7", lw=0.8, ls="--")
        axis.set_ylim(_LEAST, _MOST + 0.3)
        axis.grid(alpha=0.25)
    words = "wrong on half of the conflicting images"
    left.text(0.99, 1.04, words, fontsize=8, color="0.4", transform=left.get_yaxis_transform(), ha="right")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return figure


def _draw_theory(axis: Axes, rows: list[Mapping[str, Any]]) -> None:
    for place, row in enumerate(rows):
        for number, learner in enumerate(row["reliance"]["learners"]):
            colour, marker = STYLES[learner["objective"]]
            x = place + _BESIDE * (number - 1.5)
            first = place == 0
            theory = learner["theory"]["index"]
            if theory is not None:
                label = "predicted by the linear theory" if first and number == 3 else None
                axis.plot(x, _clip(theory), "_", color=colour, ms=13, mew=2.2, label=label)
            _draw_index(axis, x, learner, colour, marker, NAMES[learner["objective"]] if first else None)
    axis.set_xticks(range(len(rows)), [_ratios(row) for row in rows])
    axis.set_xlabel("label = digit in, own colour in")
    axis.set_title("Two digits: measured, and the theory's bars", fontsize=9)


def _draw_classes(axis: Axes, rows: list[Mapping[str, Any]]) -> None:
    for place, row in enumerate(rows):
        for number, learner in enumerate(row["reliance"]["learners"]):
            colour, marker = STYLES[learner["objective"]]
            _draw_index(axis, place + _BESIDE * (number - 1.5), learner, colour, marker, None)
    ratios = len({(row["p_inv"], row["p_spu"]) for row in rows})
    axis.set_xticks(range(len(rows)), [_ratios(row) for row in rows], rotation=90, fontsize=8)
    for place in range(0, len(rows), ratios):
        axis.text(place - 0.4, _MOST + 0.05, f"{rows[place]['classes']} digits", fontsize=8)
        axis.axvline(place - 0.5, color="0.8", lw=0.8)
    axis.set_xlabel("label = digit in, own colour in")
    axis.set_title("Rows of Table 8: 0 and 1 on their own colour and on each other's", fontsize=9)


def _draw_index(axis: Axes, x: float, learner: Mapping[str, Any], colour: str, marker: str, label: str | None) -> None:
    value = learner["index"]
    if value is None or value > _MOST:
        # Beyond the axis, or without an index: it follows the colour.
        axis.plot(x, _MOST, marker, color=colour, mfc="none", ms=6, label=label)
        axis.annotate("", (x, _MOST + 0.28), (x, _MOST), arrowprops={"arrowstyle": "->", "color": colour})
        return
    low, high = learner["interval"] or (value, value)
    axis.errorbar(
        x,
        value,
        yerr=[[max(value - low, 0)], [max(high - value, 0)]],
        fmt=marker,
        color=colour,
        ms=4.5,
        capsize=2,
        label=label,
    )


def _clip(value: float) -> float:
    return min(max(value, _LEAST), _MOST)


def _ratios(row: Mapping[str, Any]) -> str:
    return f"{row['p_inv']:.0%}, {row['p_spu']:.0%}"
