"""Claim C9 as a forest plot: CLIPs against ImageNet models on five other test sets and on CounterAnimal."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from paper_figs.context import Context
from paper_figs.looks import PRINT_WIDTH, figure_legend
from realdata.claims.c9_shifts import GROUP_NAMES
from realdata.claims.claim_test import INCONCLUSIVE, JudgedClaim
from realdata.claims.wider_table import WORDS, is_primary
from workbench.palette import BLUE, VERMILION

_ROW = 0.3  # inches
_WITHIN = 0.16  # of a row, between the mean and the CLIPs
_COLOURS = {"others": VERMILION, "paper": BLUE}
_PROMPTS = {"simple": "one prompt", "openai80": "80 prompts"}


def draw(context: Context) -> Figure:
    """A row for each test set and choice of what is held equal: every CLIP, their mean, and its clustered interval."""
    tests = [test for test in context.shifts if is_primary(test.source, test.setting)]
    lines = len(tests) + len(GROUP_NAMES)
    figure = Figure(figsize=(PRINT_WIDTH, _ROW * lines + 1.6), layout="constrained")
    axis = figure.subplots()
    ticks: dict[float, str] = {}
    place = 0.0
    for heading, source in GROUP_NAMES.items():
        axis.annotate(
            heading,
            (0.01, place),
            xycoords=axis.get_yaxis_transform(),
            va="center",
            weight="bold",
            fontsize=9,
            bbox={"color": "white", "pad": 1.5},
            zorder=5,
        )
        place += 1
        for test in (test for test in tests if test.source == source):
            ticks[place] = _name(test)
            _draw_row(axis, place, test)
            place += 1
    axis.axvline(0, color="0.3", lw=0.9, zorder=1)
    axis.set_yticks(list(ticks), list(ticks.values()), fontsize=8)
    axis.set_ylim(lines - 0.4, -0.8)
    axis.tick_params(axis="y", length=0)
    axis.set_xlabel("CLIPs less ImageNet models as accurate elsewhere (points)")
    axis.set_ylabel("test set, and where both are as accurate")
    axis.grid(axis="x", color="0.9")
    axis.set_axisbelow(True)
    axis.spines[["top", "right", "left"]].set_visible(False)
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


def _draw_row(axis: Axes, place: float, test: JudgedClaim) -> None:
    colour = _COLOURS[test.source]
    values = np.array([model["effective_robustness"] for model in test.models])
    axis.plot(values, np.full(len(values), place + _WITHIN), "o", ms=3.5, color=colour, alpha=0.3, mew=0)
    if test.clustered:
        axis.plot(test.clustered.interval, [place - _WITHIN] * 2, color=colour, lw=2.0, solid_capstyle="butt")
    axis.plot(test.effect, place - _WITHIN, "D", ms=5.5, color=colour, mec="white", mew=0.7, zorder=4)
    interval = " [{:.1f}, {:.1f}]".format(*test.clustered.interval) if test.clustered else ""
    axis.annotate(
        f"{test.effect:+.1f}{interval}  {WORDS[test.verdict]}",
        (1.01, place),
        xycoords=axis.get_yaxis_transform(),
        va="center",
        fontsize=8,
        weight="normal" if test.verdict == INCONCLUSIVE else "bold",
        annotation_clip=False,
    )
