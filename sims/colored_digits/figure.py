"""One row of Table 8 as an image: each learner's accuracy in each group."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from workbench.palette import BLACK, BLUE, ORANGE, PURPLE

# Okabe and Ito's colours, told apart with every kind of colour vision; learner to colour and marker.
STYLES = {
    "perfect_language": (BLUE, "o"),
    "infonce": (ORANGE, "s"),
    "siglip": (PURPLE, "^"),
    "cross_entropy": (BLACK, "D"),
}
NAMES = {
    "perfect_language": "contrastive, Eq. 10",
    "infonce": "contrastive, text encoder (InfoNCE)",
    "siglip": "contrastive, text encoder (SigLIP)",
    "cross_entropy": "supervised",
}
_GROUPS = {"rand": "Rand", "rev": "Rev", "rest": "rest"}


def draw(content: Mapping[str, Any]) -> Figure:
    """Draw a result as `result.json` holds it."""
    rows = content["results"]
    figure = Figure(figsize=(8.0, 1.6 + 0.55 * len(rows)), layout="constrained")
    groups = [group for group in _GROUPS if rows[0][f"{group}_mean"] is not None]
    axes = figure.subplots(1, len(groups), sharey=True, squeeze=False)[0]
    for axis, group in zip(axes, groups, strict=True):
        bounds = [content["bayes"][rule][group] for rule in ("by_colour", "by_digit")]
        axis.axvspan(min(bounds), max(bounds), color="0.9", zorder=0)
        for bound in bounds:
            axis.axvline(bound, color="0.6", lw=1, zorder=0)
        for place, row in enumerate(rows):
            colour, marker = STYLES[row["objective"]]
            spread = row[f"{group}_std"] or 0.0
            axis.errorbar(row[f"{group}_mean"], place, xerr=spread, fmt=marker, color=colour, capsize=3)
        axis.set(title=_GROUPS[group], xlim=(-2, 102), xlabel="accuracy (%)")
        axis.grid(axis="x", color="0.92")
        axis.set_axisbelow(True)
    axes[0].set_yticks(range(len(rows)), [NAMES[row["objective"]] for row in rows])
    axes[0].invert_yaxis()
    config = content["config"]
    figure.suptitle(
        f"{config['classes']} digits, label = digit in {config['invariant_ratio']:.0%}, own colour in "
        f"{config['spurious_ratio']:.0%}; mean ± sd of {config['seeds']} runs; grey: Bayes",
        fontsize=9,
    )
    return figure
