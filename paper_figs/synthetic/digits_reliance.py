"""Theory against pictures: the index of spurious reliance of learners of coloured digits, measured and predicted."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figs.context import Context
from sims.colored_digits.figure import NAMES, STYLES
from sims.colored_digits.grid import load_table

_LEAST, _MOST = -0.5, 4.5  # of the axis; further indices are drawn at its edge
_BESIDE = 0.13


def draw(context: Context) -> Figure:
    """Draw the table that `sims.colored_digits table` saved under a folder of results."""
    content = load_table(context.results / "colored_digits_table")
    figure = Figure(figsize=(12.0, 5.0), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.4), sharey=True)
    _draw_theory(left, [row for row in content["rows"] if row["classes"] == 2])
    _draw_classes(right, content["rows"])
    left.set_ylabel("index of spurious reliance")
    for axis in (left, right):
        axis.axhline(0, color="0.4", lw=0.8)
        axis.axhline(1, color="0.7", lw=0.8, ls="--")
        axis.set_ylim(_LEAST, _MOST + 0.3)
        axis.grid(alpha=0.25)
    words = "wrong on half of the conflicting images"
    left.text(0.99, 1.04, words, fontsize=7.5, color="0.4", transform=left.get_yaxis_transform(), ha="right")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8.5, frameon=False)
    title = f"How much learners of coloured digits lean on the colour ({content['digits']})"
    figure.suptitle(f"{title}; arrows: they follow it to the letter")
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
                axis.plot(x, _shown(theory), "_", color=colour, ms=13, mew=2.2, label=label)
            _draw_index(axis, x, learner, colour, marker, NAMES[learner["objective"]] if first else None)
    axis.set_xticks(range(len(rows)), [_ratios(row) for row in rows])
    axis.set_xlabel("label = digit in, own colour in")
    axis.set_title("Two digits: measured, and the theory's bars", fontsize=10)


def _draw_classes(axis: Axes, rows: list[Mapping[str, Any]]) -> None:
    for place, row in enumerate(rows):
        for number, learner in enumerate(row["reliance"]["learners"]):
            colour, marker = STYLES[learner["objective"]]
            _draw_index(axis, place + _BESIDE * (number - 1.5), learner, colour, marker, None)
    ratios = len({(row["p_inv"], row["p_spu"]) for row in rows})
    axis.set_xticks(range(len(rows)), [_ratios(row) for row in rows], rotation=90, fontsize=7)
    for place in range(0, len(rows), ratios):
        axis.text(place - 0.4, _MOST + 0.05, f"{rows[place]['classes']} digits", fontsize=8)
        axis.axvline(place - 0.5, color="0.8", lw=0.8)
    axis.set_xlabel("label = digit in, own colour in")
    axis.set_title("Rows of Table 8: 0 and 1 on their own colour and on each other's", fontsize=10)


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


def _shown(value: float) -> float:
    return min(max(value, _LEAST), _MOST)


def _ratios(row: Mapping[str, Any]) -> str:
    return f"{row['p_inv']:.0%}, {row['p_spu']:.0%}"
