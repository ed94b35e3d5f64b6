"""An evaluation as a figure: what each class loses from its common to its counter photos."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from realdata.photos.folders import GROUPS

# Told apart in print and by any eye: Okabe and Ito's blue and vermillion, and the marker.
LOOKS = {"common": ("#0072B2", "o"), "counter": ("#D55E00", "s")}
_ROW = 0.2  # inches


def draw(content: Mapping[str, Any]) -> Figure:
    """The figure of a summary.

    Args:
        content: as `summary.json` holds it.
    """
    classes = [row for row in content["classes"] if None not in (row["common"], row["counter"])]
    classes.sort(key=lambda row: row["common"] - row["counter"])
    figure = Figure(figsize=(7.5, 2.0 + _ROW * (len(classes) + 2)), layout="constrained")
    axes = figure.subplots()
    top = len(classes) + 1
    for place, row in enumerate(classes):
        axes.plot([row["common"], row["counter"]], [place, place], color="0.75", linewidth=1.5, zorder=1)
    for group in GROUPS:
        colour, marker = LOOKS[group]
        values = [row[group] for row in classes]
        axes.scatter(values, range(len(classes)), s=22, color=colour, marker=marker, label=f"{group} photos", zorder=2)
        found = content["groups"][group]
        for ends, width in ((found["interval_over_classes"], 1.0), (found["interval"], 3.5)):
            axes.plot(ends, [top, top], color=colour, linewidth=width, solid_capstyle="butt", zorder=1)
        axes.scatter(found["accuracy"], top, s=44, color=colour, marker=marker, edgecolor="white", zorder=3)
    axes.axhline(top - 1, color="0.85", linewidth=0.8)
    axes.set_yticks([*range(len(classes)), top], [*(_short(row["label"]) for row in classes), "mean over classes"])
    axes.set_ylim(-1, top + 1)
    axes.set_xlim(-2, 102)
    axes.set_xlabel("accuracy (%)")
    axes.grid(axis="x", color="0.92")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    drop = content["drop"]
    axes.set_title(
        f"{content['model']}, {content['setup'].replace('v', ' vs. ')}\n"
        f"drop {drop['value']:.1f} points [{drop['interval'][0]:.1f}, {drop['interval'][1]:.1f}]",
        fontsize=10,
        loc="left",
    )
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    figure.text(
        0.01, 0.005, "mean: thick 95% over photos,\nthin over classes too", fontsize=7, color="0.35", va="bottom"
    )
    return figure


def _short(label: str) -> str:
    return label if len(label) <= 28 else label[:27] + "…"
