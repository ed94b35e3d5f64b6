"""The figure of `sims.repairs`: accuracy in both groups after each repair, simulation against theory."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from workbench import palette
from workbench.conventions import Z95

_COLOURS = {"aligned": palette.GREEN, "conflicting": palette.VERMILION}


def draw(content: Mapping[str, Any]) -> Figure:
    """Draw a result; `content` as `result.json` holds it."""
    rows = content["results"]
    learners = list(dict.fromkeys(row["learner"] for row in rows))
    repairs = list(dict.fromkeys(row["repair"] for row in rows))
    columns = min(len(learners), 2)
    lines = -(-len(learners) // columns)
    # The width of a page of A4 within its margins.
    figure = Figure(figsize=(7.1, lines * (0.24 * len(repairs) + 0.9) + 0.7), layout="constrained")
    axes = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axis, learner in zip(axes, learners, strict=False):
        own = {row["repair"]: row for row in rows if row["learner"] == learner}
        for place, repair in enumerate(repairs):
            row = own[repair]
            ends = [100 * row["accuracy"][group] for group in _COLOURS]
            axis.plot(ends, [place, place], color="0.8", lw=2.5, zorder=1, solid_capstyle="round")
            for group, colour in _COLOURS.items():
                mean, error = 100 * row["accuracy"][group], 100 * Z95 * row["stderr"][group]
                axis.errorbar(mean, place, xerr=error, fmt="o", color=colour, ms=4.5, capsize=2, lw=1, zorder=3)
                if row["theory"] is not None:
                    axis.plot(100 * row["theory"][group], place, "D", ms=8, mfc="none", mec=colour, zorder=2)
        axis.axvline(50, color="0.75", lw=0.8, zorder=0)
        axis.set_title(learner, fontsize=9)
        axis.grid(axis="x", color="0.92")
        axis.set_axisbelow(True)
    axes[0].set_yticks(range(len(repairs)), [repair.replace("_", " ") for repair in repairs])
    axes[0].set_xlim(0, 100)
    axes[0].invert_yaxis()
    for axis in axes[::columns]:
        axis.set_ylabel("repair", fontsize=8)
    for axis in axes:
        axis.tick_params(labelsize=8)
    for axis in axes[len(learners) :]:
        axis.set_visible(False)
    for axis in axes[-columns:]:
        axis.set_xlabel("accuracy (%); diamonds: closed form", fontsize=8)
    for group, colour in _COLOURS.items():
        axes[0].plot([], [], "o", color=colour, ms=4.5, label=group)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    ratio = content["config"]["spurious_ratio"]
    figure.suptitle(f"Spurious ratio {ratio:g}: zero-shot repairs of trained encoders", fontsize=10, weight="bold")
    return figure
