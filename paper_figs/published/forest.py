"""Forest plots of the claims C2 (CounterAnimal, every setting) and C9 (other test sets): a row for each test."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from paper_figs.context import Context
from paper_figs.looks import PRINT_WIDTH
from paper_figs.published.effective_robustness import set_title
from paper_figs.published.looks import ADDED, SETUPS, figure_legend
from realdata.claims.c9_shifts import GROUP_NAMES
from realdata.claims.claim_test import INCONCLUSIVE, JudgedClaim
from realdata.claims.wider_table import WORDS, is_primary
from workbench.palette import BLUE, VERMILION

_ROW, _SHIFT_ROW = 0.2, 0.3  # inches
_WITHIN = 0.16  # of a row, from its middle to an interval
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
    _label_rows(axis, ticks, lines)
    axis.set_xlabel("mean effective robustness of CLIPs (points)")
    axis.set_ylabel("models and values")
    set_title(figure, rows, "tests")
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


_COLOURS = {"others": VERMILION, "paper": BLUE}
_PROMPTS = {"simple": "one prompt", "openai80": "80 prompts"}


def draw_shifts(context: Context) -> Figure:
    """A row for each test set and choice of what is held equal: every CLIP, their mean, and its clustered interval."""
    tests = [test for test in context.shifts if is_primary(test.source, test.setting)]
    lines = len(tests) + len(GROUP_NAMES)
    figure = Figure(figsize=(PRINT_WIDTH, _SHIFT_ROW * lines + 1.6), layout="constrained")
    axis = figure.subplots()
    ticks: dict[float, str] = {}
    place = 0.0
    for heading, source in GROUP_NAMES.items():
        _write_heading(axis, place, heading)
        place += 1
        for test in (test for test in tests if test.source == source):
            ticks[place] = _name(test)
            _draw_shift(axis, place, test)
            place += 1
    _label_rows(axis, ticks, lines)
    axis.set_xlabel("CLIPs less ImageNet models as accurate elsewhere (points)")
    axis.set_ylabel("test set, and where both are as accurate")
    figure.suptitle(_message(tests), fontsize=10, weight="bold")
    handles = [
        Line2D([], [], ls="", marker="o", ms=3.5, color="0.6", label="one CLIP"),
        Line2D(
            [], [], color="0.3", marker="D", ms=5.5, lw=2.0, label="mean, and its 95% interval with clustered errors"
        ),
    ]
    figure_legend(figure, handles, "lower")
    return figure


def _name(test: JudgedClaim) -> str:
    prompt = f", {_PROMPTS[test.setting['prompt']]}" if test.source == "paper" else ""
    words = test.question.replace("CounterAnimal, ", "").replace(" photos", "")
    return f"{words}{prompt}: {test.setting['predictors'].replace(' and common photos', ', common')}"


def _message(tests: Sequence[JudgedClaim]) -> str:
    """How many rows are decided, in each half of the claim."""
    counts = []
    for heading, source in GROUP_NAMES.items():
        asked = [test for test in tests if test.source == source]
        decided = sum(test.verdict != INCONCLUSIVE for test in asked)
        counts.append(f"{heading[:1].lower()}{heading[1:]} {decided} of {len(asked)}")
    return f"Rows where CLIPs are shown to differ from ImageNet models:\n{', '.join(counts)}"


def _draw_shift(axis: Axes, place: float, test: JudgedClaim) -> None:
    colour = _COLOURS[test.source]
    values = np.array([model["effective_robustness"] for model in test.models])
    axis.plot(values, np.full(len(values), place + _WITHIN), "o", ms=3.5, color=colour, alpha=0.3, mew=0)
    if test.clustered:
        axis.plot(test.clustered.interval, [place - _WITHIN] * 2, color=colour, lw=2.0, solid_capstyle="butt")
    axis.plot(test.effect, place - _WITHIN, "D", ms=5.5, color=colour, mec="white", mew=0.7, zorder=4)
    interval = " [{:.1f}, {:.1f}]".format(*test.clustered.interval) if test.clustered else ""
    words = f"{test.effect:+.1f}{interval}  {WORDS[test.verdict]}"
    _write_at_right(axis, place, words, bold=test.verdict != INCONCLUSIVE)


def _label_rows(axis: Axes, ticks: Mapping[float, str], lines: int) -> None:
    """Name the rows, draw the line of no difference, and leave out the frame."""
    axis.axvline(0, color="0.3", lw=0.9, zorder=1)
    axis.set_yticks(list(ticks), list(ticks.values()), fontsize=8)
    axis.set_ylim(lines - 0.3, -0.8)
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="x", color="0.9")
    axis.set_axisbelow(True)
    axis.spines[["top", "right", "left"]].set_visible(False)


def _write_heading(axis: Axes, place: float, words: str) -> None:
    axis.annotate(
        words,
        (0.005, place),
        xycoords=axis.get_yaxis_transform(),
        va="center",
        fontsize=8,
        weight="bold",
        bbox={"color": "white", "pad": 1.5},
        zorder=5,
    )


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
