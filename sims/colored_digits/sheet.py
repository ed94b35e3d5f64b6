"""A sheet of test photos, a row for each class and group, with what the CLIP takes them for."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int, UInt8
from matplotlib.figure import Figure

from sims.colored_digits.photos import NAMES, Photo

_SHOWN = 8  # of each class and group


def draw(
    photos: Sequence[Photo],
    pictures: UInt8[np.ndarray, "photos height width 3"],
    answers: Int[np.ndarray, " photos"],
) -> Figure:
    """Draw the first photos of every class and group; the answer stands below, wrong ones in bold."""
    rows: dict[tuple[int, str], list[int]] = {}
    for index, photo in enumerate(photos):
        rows.setdefault((photo.class_index, photo.group), []).append(index)
    figure = Figure(figsize=(_SHOWN * 1.0 + 1.2, len(rows) * 1.15 + 0.3), layout="constrained")
    axes = figure.subplots(len(rows), _SHOWN, squeeze=False)
    for line, ((label, group), indices) in zip(axes, rows.items(), strict=True):
        for axis in line:
            axis.set_axis_off()
        for axis, index in zip(line, indices, strict=False):
            axis.imshow(pictures[index], interpolation="nearest")
            wrong = answers[index] != label
            axis.set_title(
                NAMES[answers[index]], fontsize=8, y=-0.3, fontweight="bold" if wrong else "normal", color="black"
            )
        line[0].text(-0.15, 0.5, f"{NAMES[label]}\n{group}", transform=line[0].transAxes, ha="right", va="center")
    return figure
