"""Fig. 3: how many photos each class has in each group, and where the audit says otherwise."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from paper_figs.context import Context
from paper_figs.looks import PRINT_WIDTH, SMALL
from paper_figs.published.looks import short
from workbench.palette import SKY_BLUE, VERMILION

_BARS = {"common": (SKY_BLUE, ""), "counter": (VERMILION, "////")}
_HALF = 0.2  # of a row, from its middle to that of a bar


def draw(context: Context) -> Figure:
    """Bars as printed; a cross on a count that the audit calls wrong, a diamond where one fits; the replication's."""
    classes = context.tables.classes
    order = classes.assign(total=classes["common_photos"] + classes["counter_photos"]).sort_values(
        "total", kind="stable"
    )
    figure = Figure(figsize=(PRINT_WIDTH, 0.19 * len(order) + 1.0), layout="constrained")
    axis = figure.subplots()
    rows = np.arange(len(order))
    for group, offset in (("common", _HALF), ("counter", -_HALF)):
        colour, hatch = _BARS[group]
        axis.barh(
            rows + offset, order[f"{group}_photos"], 2 * _HALF, color=colour, hatch=hatch, edgecolor="white", lw=0.3
        )
    findings = [item for item in context.audit["findings"] if item["file"] == "classes.csv"]
    for group, offset in (("common", _HALF), ("counter", -_HALF)):
        for finding in findings:
            if finding["column"] == f"{group}_photos":
                _mark(axis, finding, order, group, offset)
    axis.set_yticks(rows, [short(label) for label in order["label"]], fontsize=8)
    axis.set_ylim(-0.7, len(order) - 0.3)
    axis.set_xlim(0, float(order[["common_photos", "counter_photos"]].to_numpy().max()) * 1.12)
    axis.set_xlabel("photos (number)")
    axis.set_ylabel("class, by its number of photos")
    axis.grid(axis="x", color="0.92")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    totals = {group: int(classes[f"{group}_photos"].sum()) for group in _BARS}
    handles: list[Any] = [
        Patch(facecolor=colour, hatch=hatch, edgecolor="white", label=f"{group}: {totals[group]:,} photos in all")
        for group, (colour, hatch) in _BARS.items()
    ]
    handles += [
        Line2D([], [], color="black", marker="x", ls="", mew=1.8, label="printed count that the audit finds wrong"),
        Line2D([], [], color="black", marker="D", ls="", mfc="white", ms=5, label="the count that fits"),
        Line2D(
            [],
            [],
            color="black",
            marker="s",
            ls="",
            mfc="white",
            ms=5,
            label="the replication's count, where that is far off",
        ),
    ]
    axis.legend(handles=handles, loc="lower right", bbox_to_anchor=(1, 0.15), fontsize=8, framealpha=1)
    return figure


def _mark(axis: Axes, finding: dict[str, Any], order: pd.DataFrame, group: str, offset: float) -> None:
    """Mark a wrong or doubtful count, and the count that would fit, if there is a single one."""
    row = order.index.tolist().index(finding["line"] - 2)  # of the file, whose line 1 is the header
    printed = float(order[f"{group}_photos"].to_numpy()[row])
    place = row + offset
    if finding["severity"] == "error":
        axis.plot(printed, place, "x", color="black", ms=6, mew=1.8, zorder=4)
    fitting = (finding["proposal"] or {"value": finding["expected"]})["value"]
    try:
        value = float(fitting)
    except ValueError:  # several values, or words
        return
    axis.plot([printed, value], [place, place], color="black", lw=0.8, zorder=3)
    marker = "s" if finding["rule"].startswith("replication") else "D"
    axis.plot(value, place, marker, color="black", mfc="white", ms=5, zorder=5)
    right = max(value, printed)
    axis.annotate(
        f"{printed:.0f} → {value:.0f}",
        (right, place),
        (6, 0),
        textcoords="offset points",
        va="center",
        fontsize=SMALL,
    )
