"""The figure of `sims.repairs digits`: what each repair changes on counter photos, beside what was predicted."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from sims.repairs.digits.shares import MOMENTS, WORST
from theory.repair_rules import PLAIN
from workbench import palette
from workbench.conventions import GROUPS, Z95

_COLOURS = {GROUPS[1]: palette.VERMILION, WORST: palette.BLUE}
_SHIFT = {GROUPS[1]: -0.16, WORST: 0.16}
_SAID = {0.0: "never", 1.0: "always"}


def draw(content: Mapping[str, Any]) -> Figure:
    """Draw a result; `content` as `result.json` holds it."""
    mentions = content["config"]["mention_spu"]
    repairs = content["config"]["repair"]
    rows = {(row["mention_spu"], row["repair"]): row for row in content["results"]}
    # The width of a page of A4 within its margins.
    figure = Figure(figsize=(7.1, 0.26 * len(repairs) + 1.5), layout="constrained")
    axes = figure.subplots(1, len(mentions), sharey=True, squeeze=False)[0]
    for axis, mention in zip(axes, mentions, strict=True):
        for line, repair in enumerate(repairs):
            row = rows[mention, repair]
            for place, colour in _COLOURS.items():
                height = line + _SHIFT[place]
                error = 100 * Z95 * row["change_stderr"][place]
                predicted = 100 * row["predicted"][MOMENTS[0]][place]
                axis.errorbar(
                    100 * row["change"][place], height, xerr=error, fmt="o", color=colour, ms=4, capsize=2, lw=1
                )
                axis.plot(predicted, height, "D", ms=6.5, mfc="none", mec=colour)
        axis.axvline(0, color="0.6", lw=0.8, zorder=0)
        said = _SAID.get(mention, f"{mention:.0%} of the time")
        axis.set_title(
            f"named {said}\nplain: {100 * rows[mention, PLAIN]['accuracy'][WORST]:.0f}% of the worst", fontsize=9
        )
        axis.grid(axis="x", color="0.92")
        axis.set_axisbelow(True)
        axis.tick_params(labelsize=8)
        axis.set_xlabel("change in points;\ndiamonds: predicted", fontsize=8)
    axes[0].set_yticks(range(len(repairs)), repairs)
    axes[0].invert_yaxis()
    axes[0].set_ylabel("repair", fontsize=8)
    for place, colour in _COLOURS.items():
        axes[0].plot([], [], "o", color=colour, ms=4, label=f"{place} {'group' if place == WORST else 'photos'}")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    figure.suptitle("Repairs of CLIPs on digits, by how often captions name the background", fontsize=10, weight="bold")
    return figure
