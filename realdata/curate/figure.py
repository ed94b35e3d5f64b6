"""A curation as a picture: for each class the drop as selected, as corrected, and as chance alone gives."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from realdata.curate.table import of_the_drop

# Okabe and Ito's colours, told apart with every kind of colour vision.
_NAIVE, _CORRECTED, _CHANCE = "#D55E00", "#0072B2", "0.8"


def draw(content: Mapping[str, Any]) -> Figure:
    """Draw a curation as `curation.json` holds it: a row for each class that has two backgrounds."""
    rows = sorted((row for row in content["classes"] if row["naive_drop"] is not None), key=lambda r: r["naive_drop"])
    columns = ("naive_drop", "corrected_drop", "corrected_low", "corrected_high", "chance_drop")
    values = {name: [row[name] for row in rows] for name in columns}
    labels = [_short(row["label"]) + ("" if row["kept"] else " (not kept)") for row in rows]
    places = [float(place) for place in range(len(rows))]
    corrected = content["corrected"]
    if content["naive_drop"] is not None and corrected["drop"] is not None and content["chance"]["drop"] is not None:
        overall = (content["naive_drop"], corrected["drop"], *corrected["interval"], content["chance"]["drop"])
        for name, value in zip(columns, overall, strict=True):
            values[name].append(value)
        labels.append("all kept classes")
        places.append(len(rows) + 0.6)
    naive, middle, low, high, chance = (np.array(values[name]) for name in columns)

    figure = Figure(figsize=(8.0, 2.0 + 0.2 * len(places)), layout="constrained")
    axis = figure.subplots()
    axis.barh(places, chance, height=0.8, color=_CHANCE, label="chance alone (backgrounds shuffled)", zorder=1)
    axis.hlines(places, middle, naive, color="0.55", lw=0.8, zorder=2)
    axis.errorbar(
        middle,
        places,
        xerr=np.stack([middle - low, high - middle]),
        fmt="o",
        ms=4.5,
        color=_CORRECTED,
        elinewidth=1.0,
        label="corrected: on photos that did not choose [95%]",
        zorder=3,
    )
    # Open, since the two often coincide.
    axis.plot(naive, places, "D", ms=6.5, mfc="none", mec=_NAIVE, mew=1.3, label="naive: as selected", zorder=4)
    axis.axvline(0.0, color="0.3", lw=0.8)
    axis.set_yticks(places, labels, fontsize=8)
    axis.set_ylim(-0.8, places[-1] + 0.8)
    axis.set_xlabel("drop from the most to the least accurate background (points)")
    axis.grid(axis="x", color="0.92")
    axis.set_axisbelow(True)
    if content["from_the_choice"] is not None:
        figure.suptitle(f"{of_the_drop(content)}\n{content['classes_kept']} classes kept", fontsize=10)
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure


def _short(label: str) -> str:
    return label if len(label) <= 28 else label[:27] + "…"
