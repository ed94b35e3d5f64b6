"""The paper's selection rule, and the drop that it finds by chance.

The rule. For each class the background with the highest accuracy is `common` and the one with the lowest is `counter`,
if they differ by more than a threshold (5 points). Other classes are not kept. Of backgrounds with the same accuracy,
the one with more photos is taken, then the first by name. If all have the same accuracy there is no pair. Backgrounds
with fewer than `min_photos` photos cannot be chosen. The paper gives no such number; ours is 2, the smallest that can
be split in half.

Chance. The backgrounds are shuffled over the photos of each class. For each class the test's statistic is the
difference of the highest and the lowest accuracy of its backgrounds. If the background has no effect, every assignment
of the backgrounds to the class's photos is equally likely. The p-value counts the data as one of the permutations,
(1 + as large) / (1 + permutations), so it is never 0 and its test is exact. The whole rule, threshold included, is also
applied to every permutation: this gives the drop that the selection finds by chance. Where the background has an
effect, less than this drop is due to chance; see `realdata.curate.held_out`.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from realdata.curate.config import MIN_PHOTOS, PERMUTATIONS, THRESHOLD

_AT_ONCE = 1_000
_ROUNDING = 1e-9  # points


@dataclasses.dataclass(frozen=True)
class Cells:
    """Photos and right answers of each class on each background that may be chosen.

    Attributes:
        classes: index of each class.
        backgrounds: names of each class's backgrounds; of equal ones, the first is preferred.
        photos: number of photos; 0 beyond a class's last background.
        right: number of photos on which the model was right.
    """

    classes: tuple[int, ...]
    backgrounds: tuple[tuple[str, ...], ...]
    photos: Int[np.ndarray, "classes backgrounds"]
    right: Int[np.ndarray, "classes backgrounds"]


class Choice(NamedTuple):
    """The rule's choice for each class: columns of `Cells`, the drop in points, and whether the class is kept."""

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
    """Apply the rule, to many draws at once if there are leading axes."""
    there = photos > 0
    share = right / np.maximum(photos, 1)
    # Of equal ones the first; -1 and 2 are not accuracies.
    highest, lowest = np.where(there, share, -1.0), np.where(there, share, 2.0)
    common, counter = highest.argmax(axis=-1), lowest.argmin(axis=-1)
    drop = 100.0 * np.maximum(highest.max(axis=-1) - lowest.min(axis=-1), 0.0)
    # Accuracies that differ by exactly the threshold may differ by a little more in floating point.
    return Choice(common, counter, drop, drop > threshold + _ROUNDING)


def mean_over_kept(
    values: Float[np.ndarray, "*draws classes"], kept: Bool[np.ndarray, "*draws classes"]
) -> Float[np.ndarray, "*draws"]:
    """The mean over the kept classes; NaN if there is none."""
    number = kept.sum(axis=-1)
    return np.where(number > 0, np.where(kept, values, 0.0).sum(axis=-1) / np.maximum(number, 1), np.nan)


class Chance(NamedTuple):
    """The result of the rule on permutations, where the background has no effect.

    Attributes:
        drop: mean drop over the kept classes, in points, over the permutations that keep any; NaN if none does.
        p_value: p-value of the test that no background has an effect, by the mean drop over the kept classes.
        classes: mean difference of each class's best and worst background, in points, without the threshold.
        p_values: p-value of each class's test; NaN for fewer than two backgrounds.
    """

    drop: float
    p_value: float
    classes: Float[np.ndarray, " classes"]
    p_values: Float[np.ndarray, " classes"]


def chance(
    cells: Cells,
    threshold: float,
    generator: np.random.Generator,
    permutations: int = PERMUTATIONS,
    advance: Callable[[int], object] = lambda done: None,
) -> Chance:
    """Apply the rule to shuffled photos.

    Args:
        cells: the counts.
        threshold: points by which a kept class's backgrounds differ.
        generator: random numbers for the permutations.
        permutations: number of permutations.
        advance: called with the number of finished permutations.
    """
    found = choose(cells.right, cells.photos, threshold)
    overall = float(mean_over_kept(found.drop, found.kept))
    overalls, total, as_large = [], np.zeros(len(cells.classes)), np.zeros(len(cells.classes))
    for start in range(0, permutations, _AT_ONCE):
        number = min(_AT_ONCE, permutations - start)
        # The right answers among the photos that each background gets.
        right = np.stack(
            [
                generator.multivariate_hypergeometric(photos, right.sum(), size=number, method="marginals")
                for photos, right in zip(cells.photos, cells.right, strict=True)
            ],
            axis=1,
        )
        permuted = choose(right, np.broadcast_to(cells.photos, right.shape), threshold)
        overalls.append(mean_over_kept(permuted.drop, permuted.kept))
        total += permuted.drop.sum(axis=0)
        # Equal fractions may differ by rounding.
        as_large += (permuted.drop >= found.drop - 1e-9).sum(axis=0)
        advance(number)
    values = np.concatenate(overalls)
    known = values[~np.isnan(values)]
    several = (cells.photos > 0).sum(axis=1) > 1
    return Chance(
        float(known.mean()) if len(known) else float("nan"),
        float("nan") if np.isnan(overall) else float((1 + (known >= overall - 1e-9).sum()) / (1 + permutations)),
        np.where(several, total / permutations, np.nan),
        np.where(several, (1 + as_large) / (1 + permutations), np.nan),
    )
