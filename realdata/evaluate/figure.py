"""Figures of an evaluation: accuracies of each class in both groups, or of each group; and pairs of photos.

A pair shows one class: a common photo that is classified right, and a counter photo that is classified wrong.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from pretrained.preprocessing import open_photo
from workbench.conventions import GROUPS
from workbench.palette import BLUE, TEXT_SIZES, VERMILION
from workbench.terminal import shorten

# Two colours and two markers, so that groups differ in grey print and for every kind of colour vision.
LOOKS = {"common": (BLUE, "o"), "counter": (VERMILION, "s")}
_ROW = 0.2  # height of a row in inches
_CLASSES, _PAIRS = 12, 3  # of the figure of photos: the most classes, and pairs in a row
_PIXELS = 200


@rc_context(TEXT_SIZES)
def draw(content: Mapping[str, Any]) -> Figure:
    """Draw a summary: accuracies of both groups, of each class and on average.

    Args:
        content: the content of `summary.json`.
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
        # The second is smaller, so that both are seen where they agree.
        size = 40 if group == GROUPS[0] else 16
        axes.scatter(
            values, range(len(classes)), s=size, color=colour, marker=marker, label=f"{group} photos", zorder=2
        )
        found = content["groups"][group]
        for ends, width in ((found["interval_over_classes"], 1.0), (found["interval"], 3.5)):
            axes.plot(ends, [top, top], color=colour, linewidth=width, solid_capstyle="butt", zorder=1)
        axes.scatter(found["accuracy"], top, s=44, color=colour, marker=marker, edgecolor="white", zorder=3)
    axes.axhline(top - 1, color="0.85", linewidth=0.8)
    axes.set_yticks([*range(len(classes)), top], [*(shorten(row["label"]) for row in classes), "mean over classes"])
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


@rc_context(TEXT_SIZES)
def draw_groups(content: Mapping[str, Any]) -> Figure:
    """Draw a summary whose groups are classes with attributes: each group's accuracy, the averages and the worst.

    Args:
        content: the content of `summary.json`.
    """
    rows = [
        (f"{shorten(name, 40)} ({group['photos']})", group["accuracy"], group["interval"], BLUE, "o")
        for name, group in content["groups"].items()
    ]
    worst = content["worst_group"]
    rows.append(("worst group", worst["accuracy"], worst["interval"], VERMILION, "s"))
    for name, average in content["average"].items():
        if average is not None:
            rows.append((f"average, {name.replace('_', ' ')}", average["value"], average["interval"], "0.3", "D"))
    figure = Figure(figsize=(7.5, 1.4 + 1.5 * _ROW * len(rows)), layout="constrained")
    axes = figure.subplots()
    for place, (_, value, ends, colour, marker) in enumerate(reversed(rows)):
        axes.plot(ends, [place, place], color=colour, linewidth=2.0, solid_capstyle="butt", zorder=1)
        axes.scatter(value, place, s=34, color=colour, marker=marker, edgecolor="white", zorder=2)
    axes.set_yticks(range(len(rows)), [row[0] for row in reversed(rows)])
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.set_xlim(-2, 102)
    axes.set_xlabel("accuracy (%), 95% intervals over photos")
    axes.grid(axis="x", color="0.92")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(f"{content['model']}, {content['setup'].replace('v', ' vs. ')}", fontsize=10, loc="left")
    return figure


@rc_context(TEXT_SIZES)
def draw_flips(
    predictions: pd.DataFrame, content: Mapping[str, Any], root: Path, names: Mapping[int, str]
) -> Figure | None:
    """Draw pairs of photos, for the classes with the largest drop; None if there is no pair.

    A pair is a class's common photo that is classified right with the highest score, and its counter photo that is
    classified wrong with the highest score.

    Args:
        predictions: a row for each photo.
        content: the content of `summary.json`.
        root: the folder of the class folders.
        names: class index to name.
    """
    both = [row for row in content["classes"] if None not in (row["common"], row["counter"])]
    pairs = []
    for row in sorted(both, key=lambda row: row["counter"] - row["common"]):
        of_class = predictions[predictions.class_index == row["class_index"]]
        right = of_class[(of_class.group == "common") & (of_class.correct == 1)]
        wrong = of_class[(of_class.group == "counter") & (of_class.correct == 0)]
        if len(right) and len(wrong):
            pairs.append((right.loc[right.score.idxmax()], wrong.loc[wrong.score.idxmax()]))
    pairs = pairs[:_CLASSES]
    if not pairs:
        return None
    across = min(_PAIRS, len(pairs))
    rows = -(-len(pairs) // across)
    figure = Figure(figsize=(4 * across, 0.6 + 2.4 * rows), layout="constrained")
    cells = figure.subplots(rows, 2 * across, squeeze=False)
    for axes in cells.flat:
        axes.axis("off")
    for number, pair in enumerate(pairs):
        for column, photo in enumerate(pair):
            axes = cells[number // across, 2 * (number % across) + column]
            thumbnail = _thumbnail(root / photo.path)
            if thumbnail is None:
                axes.text(0.5, 0.5, "cannot be opened", ha="center", fontsize=8)
            else:
                axes.imshow(thumbnail)
            verdict = "right" if photo.correct else f"taken for {shorten(names[int(photo.predicted_index)], 22)}"
            axes.set_title(
                f"{shorten(names[int(photo.class_index)], 22)} on {shorten(photo.background, 22)}\n{verdict}",
                fontsize=8,
                color=LOOKS["common" if photo.correct else "counter"][0],
            )
    figure.suptitle(f"{content['model']}:\nright on the common background, wrong on the counter one", fontsize=10)
    return figure


def _thumbnail(path: Path) -> np.ndarray | None:
    """A small copy of the photo; None if it cannot be decoded, which scores made elsewhere do not ask for."""
    try:
        with open_photo(path) as image:
            photo = image.convert("RGB")
    except Exception:  # Pillow raises a dozen kinds on a damaged file
        return None
    photo.thumbnail((_PIXELS, _PIXELS))
    return np.asarray(photo)
