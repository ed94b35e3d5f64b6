"""The photos that flip, to look at: of each class one that is right and common, and one that is wrong and counter."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

_CLASSES, _PAIRS = 12, 3  # at most, and in a row
_PIXELS = 200


def draw(predictions: pd.DataFrame, content: Mapping[str, Any], root: Path, names: Mapping[int, str]) -> Figure | None:
    """The contact sheet of an evaluation; None where no class has both a right common and a wrong counter photo.

    The classes with the largest drop, and of each the photos whose answer has the highest score.

    Args:
        predictions: a row for each photo.
        content: as `summary.json` holds it.
        root: the folder that the photos' paths start from.
        names: of the candidates.
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
            axes.imshow(_picture(root / photo.path))
            verdict = "right" if photo.correct else f"taken for {_short(names[int(photo.predicted_index)])}"
            axes.set_title(
                f"{_short(names[int(photo.class_index)])} on {_short(photo.background)}\n{verdict}",
                fontsize=8,
                color="#0072B2" if photo.correct else "#D55E00",
            )
    figure.suptitle(f"{content['model']}:\nright on the common background, wrong on the counter one", fontsize=10)
    return figure


def _picture(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        photo = image.convert("RGB")
    photo.thumbnail((_PIXELS, _PIXELS))
    return np.asarray(photo)


def _short(label: str) -> str:
    return label if len(label) <= 22 else label[:21] + "…"
