"""How large an effect must be to be seen, with the data there are and with more of them."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figs.context import Context
from paper_figs.looks import PRINT_WIDTH
from realdata.claims.c9_contrast import HERE
from realdata.claims.power import MORE, TIMES, Detectable
from workbench.palette import BLACK, BLUE, GREEN, PURPLE, VERMILION

# Questions that the primary tests leave open, or that stand beside them, with a panel's title.
_PANELS = {
    "effective robustness": "C2: CLIPs below the line",
    "data size: drop": "C4: ten times the data",
    "filtered data: drop": "C5: filtered data, drop",
    "model size: effective robustness": "C3: ten times the tower, as accurate",
    "filtered data: effective robustness": "C5: filtered data, as accurate",
    HERE: "C9: lead on counter photos",
}
_COLOURS = dict(zip(MORE, (VERMILION, GREEN, BLUE, PURPLE), strict=True))
_WORDS = dict(zip(MORE, ("models", "data sets", "data sets, architectures", "photos"), strict=True))
_TEXT = 8.0


def draw(context: Context) -> Figure:
    """A panel for each question: the least effect that is seen, by how many times as much there is of what."""
    found = context.power
    panels = {question: title for question, title in _PANELS.items() if any(e.question == question for e in found)}
    figure = Figure(figsize=(PRINT_WIDTH, 7.5), layout="constrained")
    axes = figure.subplots(3, 2, sharex=True, sharey=True, squeeze=False).ravel()
    for axis, (question, title) in zip(axes, panels.items(), strict=False):
        _draw_panel(axis, title, [each for each in found if each.question == question])
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    for axis in axes[max(0, len(panels) - 2) : len(panels)]:
        axis.set_xlabel("times as many as now", fontsize=_TEXT)
        axis.tick_params(labelbottom=True)
    for axis in axes[::2]:
        axis.set_ylabel("least effect that is seen (points)", fontsize=_TEXT)
    figure.suptitle(
        "What limits is the number of data sets and architectures,\nnot of photos or of models of the same",
        fontsize=10,
        weight="bold",
    )
    return figure


def _draw_panel(axis: Axes, title: str, rows: Sequence[Detectable]) -> None:
    ends: dict[str, float] = {}
    for more in MORE:
        own = sorted((row for row in rows if row.more == more), key=lambda row: row.times)
        effects = np.array([np.nan if row.effect is None else row.effect for row in own])
        if np.isfinite(effects).any():
            axis.plot([row.times for row in own], effects, "-o", ms=3.5, lw=1.4, color=_COLOURS[more])
            ends[more] = float(effects[np.isfinite(effects)][-1])
    observed = rows[0].observed
    axis.axhline(observed, color=BLACK, lw=1.0, ls=":")
    low = observed < 1.5  # no room below the line, nor at the right above it
    axis.annotate(
        f"found: {observed:.1f}",
        (1.0 if low else 3.1 * TIMES[-1], observed),
        (0, 3 if low else -10),
        textcoords="offset points",
        ha="left" if low else "right",
        fontsize=_TEXT,
    )
    for more, place in _spread(ends).items():
        axis.annotate(
            _WORDS[more], (TIMES[-1] * 1.06, place), va="center", fontsize=_TEXT, color=_COLOURS[more],
            annotation_clip=False,
        )  # fmt: skip
    if not any(row.effect is not None and row.times == 1 for row in rows):
        axis.annotate("now: no answer", (0.03, 0.4), xycoords="axes fraction", va="top", fontsize=_TEXT)
    axis.set_title(title, fontsize=9.5)
    axis.set_xscale("log", base=2)
    axis.set_xticks(TIMES, [str(times) for times in TIMES])
    axis.minorticks_off()
    axis.set_xlim(0.9, TIMES[-1] * 3.2)
    axis.set_ylim(0, 14)
    axis.tick_params(labelsize=_TEXT)
    axis.grid(color="0.93")
    axis.spines[["top", "right"]].set_visible(False)


def _spread(ends: Mapping[str, float], apart: float = 0.85) -> dict[str, float]:
    """Places of labels, in order, so far apart that none covers another."""
    places: dict[str, float] = {}
    for more, end in sorted(ends.items(), key=lambda item: item[1]):
        places[more] = max(end, max(places.values(), default=-apart) + apart)
    return places
