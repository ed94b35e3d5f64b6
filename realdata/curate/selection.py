"""The paper's selection rule: of each class the background with the most accurate photos and that with the least.

For each class the background of the highest accuracy is `common` and that of the lowest is `counter`, if they differ by
more than a threshold (5 points); other classes are not kept. Of backgrounds with the same accuracy the one with more
photos is taken, then the first by name; where all have the same accuracy there is no pair. Backgrounds with fewer than
`min_photos` photos are not chosen among; the paper names no such number, and ours is 2, the fewest that can be halved.
"""

import dataclasses
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

THRESHOLD = 5.0  # points
MIN_PHOTOS = 2
_ROUNDING = 1e-9  # points


@dataclasses.dataclass(frozen=True)
class Cells:
    """Photos and right answers of each class on each background that may be chosen.

    Attributes:
        classes: index of each class.
        backgrounds: names of each class's backgrounds, in the order in which equal ones are preferred.
        photos: how many there are; 0 beyond a class's last background.
        right: on how many of them the model was right.
    """

    classes: tuple[int, ...]
    backgrounds: tuple[tuple[str, ...], ...]
    photos: Int[np.ndarray, "classes backgrounds"]
    right: Int[np.ndarray, "classes backgrounds"]


class Choice(NamedTuple):
    """What the rule chooses for each class; columns of `Cells`, and points."""

    common: Int[np.ndarray, "*draws classes"]
    counter: Int[np.ndarray, "*draws classes"]
    drop: Float[np.ndarray, "*draws classes"]
    kept: Bool[np.ndarray, "*draws classes"]


def count(photos: pd.DataFrame, min_photos: int = MIN_PHOTOS) -> Cells:
    """Count photos and right answers.

    Args:
        photos: a row for each photo, with `class_index`, `background` and `correct`.
        min_photos: backgrounds of a class with fewer photos are left out.
    """
    counted = photos.groupby(["class_index", "background"]).correct.agg(["size", "sum"]).reset_index()
    classes = sorted(set(counted.class_index.tolist()))
    counted = counted[counted["size"] >= min_photos]
    counted = counted.sort_values(["class_index", "size", "background"], ascending=[True, False, True])
    place = counted.groupby("class_index").cumcount().to_numpy()
    row = np.searchsorted(classes, counted.class_index.to_numpy())
    table = np.zeros((2, len(classes), int(place.max(initial=0)) + 1), np.int64)
    table[:, row, place] = counted[["size", "sum"]].to_numpy(np.int64).T
    names: list[list[str]] = [[] for _ in classes]
    for index, name in zip(row, counted.background, strict=True):
        names[index].append(name)
    return Cells(tuple(classes), tuple(map(tuple, names)), table[0], table[1])


def choose(
    right: Int[np.ndarray, "*draws classes backgrounds"],
    photos: Int[np.ndarray, "*draws classes backgrounds"],
    threshold: float = THRESHOLD,
) -> Choice:
    """Apply the rule, to many draws at once."""
    there = photos > 0
    share = right / np.maximum(photos, 1)
    # The first of equal ones; -1 and 2 are no accuracies.
    highest, lowest = np.where(there, share, -1.0), np.where(there, share, 2.0)
    common, counter = highest.argmax(axis=-1), lowest.argmin(axis=-1)
    drop = 100.0 * np.maximum(highest.max(axis=-1) - lowest.min(axis=-1), 0.0)
    # Shares of whole photos that differ by just the threshold may come out above it in floating point.
    return Choice(common, counter, drop, drop > threshold + _ROUNDING)


def mean_kept(
    values: Float[np.ndarray, "*draws classes"], kept: Bool[np.ndarray, "*draws classes"]
) -> Float[np.ndarray, "*draws"]:
    """The mean over the classes kept; NaN where none is."""
    number = kept.sum(axis=-1)
    return np.where(number > 0, np.where(kept, values, 0.0).sum(axis=-1) / np.maximum(number, 1), np.nan)
