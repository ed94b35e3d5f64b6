"""Every setting of a claim's question, ordered by its effect, over the choices that make it; the primary one marked."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from paper_figs.context import Context
from paper_figs.looks import PRINT_WIDTH
from paper_figs.published.looks import figure_legend
from realdata.claims.primary import QUESTIONS
from workbench.palette import BLUE, GREY, VERMILION

# Choice to its values, as the figure names them.
_CHOICES: dict[str, dict[str, str]] = {
    "source": {"paper": "paper", "replication": "replication"},
    "setup": {"1v1000": "1 vs. 1000", "1v20": "1 vs. 20"},
    "prompt": {"simple": "one prompt", "openai80": "80 prompts"},
    "averaging": {"balanced": "over classes", "unbalanced": "over photos"},
    "selector": {"included": "all CLIPs", "excluded": "no selecting model", "family excluded": "nor its family"},
    "values": {"as printed": "as printed", "corrected": "corrected"},
}
_ANSWERS = {"C1": "drop", "C2": "distance from line", "C3": "tenfold size", "C4": "tenfold data", "C5": "filtered data"}
_TEXT = 8.0

Row = Mapping[str, Any]


def draw(context: Context) -> Figure:
    """A column for each claim that was asked in several settings: effects above, choices below."""
    claims = {
        claim: rows
        for claim, question in QUESTIONS.items()
        if claim in _ANSWERS and len(rows := _rows(context.claims["claims"], claim, question)) > 1
    }
    figure = Figure(figsize=(PRINT_WIDTH, 6.6), layout="constrained")
    axes = figure.subplots(2, len(claims), squeeze=False, sharex="col", gridspec_kw={"height_ratios": [1.0, 1.15]})
    for column, (claim, rows) in enumerate(claims.items()):
        place = _primary_place(rows, context.claims.get("primary", []))
        if place is not None:
            for axis in axes[:, column]:
                axis.axvspan(place - 0.5, place + 0.5, color=VERMILION, alpha=0.25, lw=0)
        _draw_effects(axes[0, column], claim, rows)
        if column:
            axes[1, column].sharey(axes[1, 0])
            axes[1, column].tick_params(labelleft=False)
        _draw_choices(axes[1, column], rows)
    axes[1, 0].set_ylabel("choices", fontsize=_TEXT)
    figure.suptitle(_message(claims), fontsize=10, weight="bold")
    handles = [
        Line2D([], [], ls="", marker="o", color=BLUE, label="supported after correction over all questions"),
        Line2D([], [], ls="", marker="o", color=GREY, label="not supported, or inconclusive"),
        Line2D([], [], color=VERMILION, alpha=0.4, lw=6, label="primary setting"),
    ]
    figure_legend(figure, handles, "lower")
    return figure


def _rows(rows: Sequence[Row], claim: str, question: str) -> list[Row]:
    return sorted(
        (row for row in rows if (row["claim"], row["question"]) == (claim, question)), key=lambda row: row["effect"]
    )


def _primary_place(rows: Sequence[Row], primary: Sequence[Row]) -> int | None:
    """The place of the primary test's setting; as printed where correction changes no accuracy of it."""
    asked = (rows[0]["claim"], rows[0]["question"])
    for test in (test for test in primary if (test["claim"], test["question"]) == asked):
        wanted = {key: value for key, value in test["setting"].items() if key != "values"}
        alike = [
            place
            for place, row in enumerate(rows)
            if row["source"] == "paper" and wanted.items() <= row["setting"].items() and row["tables"][:1] == ["3"]
        ]
        corrected = [place for place in alike if rows[place]["setting"]["values"] == test["setting"]["values"]]
        return next(iter(corrected + alike), None)
    return None


def _message(claims: Mapping[str, Sequence[Row]]) -> str:
    """In how many settings of each claim the effect has the same sign."""
    words = []
    for claim, rows in claims.items():
        below = sum(row["effect"] < 0 for row in rows)
        most = max(below, len(rows) - below)
        words.append(f"{claim} {most} of {len(rows)}")
    return f"Settings in which the effect has the same sign:\n{', '.join(words)}"


def _draw_effects(axis: Axes, claim: str, rows: Sequence[Row]) -> None:
    for place, row in enumerate(rows):
        clustered = row["clustered"] if claim != "C1" else None
        low, high = clustered["interval"] if clustered else row["interval"]
        colour = BLUE if row["verdict"] == "supported" else GREY
        axis.plot([place, place], [low, high], color=colour, lw=1.0)
        axis.plot(place, row["effect"], "o", ms=3.5, color=colour, mec="white", mew=0.3)
    axis.axhline(0, color="0.3", lw=0.8)
    effects = np.array([row["effect"] for row in rows])
    reach = max(6.0, 1.6 * float(np.abs(effects).max()))
    axis.set_ylim(max(-reach, axis.get_ylim()[0]), min(reach, axis.get_ylim()[1]))
    axis.set_title(f"{claim}\n{_ANSWERS[claim]}", fontsize=9)
    axis.set_ylabel("points", fontsize=_TEXT, labelpad=1)
    axis.tick_params(labelsize=_TEXT)
    axis.grid(axis="y", color="0.92")
    axis.spines[["top", "right"]].set_visible(False)


def _draw_choices(axis: Axes, rows: Sequence[Row]) -> None:
    ticks: dict[float, str] = {}
    line = 0.0
    for key, values in _CHOICES.items():
        for value, words in values.items():
            ticks[line] = words
            chosen = [place for place, row in enumerate(rows) if _value(row, key) == value]
            axis.plot(chosen, [line] * len(chosen), "s", ms=2.6, color="0.25")
            line += 1
        line += 0.5
    axis.set_yticks(list(ticks), list(ticks.values()), fontsize=_TEXT)
    axis.set_ylim(line - 0.6, -0.8)
    axis.set_xlim(-0.8, len(rows) - 0.2)
    axis.set_xticks([])
    axis.set_xlabel(f"{len(rows)} settings", fontsize=_TEXT)
    axis.tick_params(axis="y", length=0)
    axis.spines[["top", "right", "left"]].set_visible(False)


def _value(row: Row, key: str) -> str:
    value = row["source"] if key == "source" else row["setting"].get(key, "")
    return str(value)
