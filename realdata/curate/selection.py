"""The paper's selection rule, and what it finds where there is nothing.

The rule. For each class the background of the highest accuracy is `common` and that of the lowest is `counter`, if they
differ by more than a threshold (5 points); other classes are not kept. Of backgrounds with the same accuracy the one
with more photos is taken, then the first by name; where all have the same accuracy there is no pair. Backgrounds with
fewer than `min_photos` photos are not chosen among. The paper names no such number; ours is 2, the fewest that can be
halved.

Chance. The backgrounds are shuffled over the photos of each class. For each class the test's statistic is the
difference of the highest and the lowest accuracy of its backgrounds. Under the hypothesis that the background does not
matter, every assignment of the backgrounds to the class's photos is equally likely. The p-value counts the data among
the permutations ((1 + as large) / (1 + permutations)), so it is never 0 and its test is exact. The whole rule,
threshold and all, is applied to every permutation too: the drop that the selection would find by chance alone. Where
the background does matter, less than that is due to chance: see `realdata.curate.held_out`.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

THRESHOLD = 5.0  # points
MIN_PHOTOS = 2
PERMUTATIONS = 10_000
_AT_ONCE = 1_000
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


def mean_over_kept(
    values: Float[np.ndarray, "*draws classes"], kept: Bool[np.ndarray, "*draws classes"]
) -> Float[np.ndarray, "*draws"]:
    """The mean over the classes kept; NaN where none is."""
    number = kept.sum(axis=-1)
    return np.where(number > 0, np.where(kept, values, 0.0).sum(axis=-1) / np.maximum(number, 1), np.nan)


class Chance(NamedTuple):
    """The result of the rule where backgrounds do not matter.

    Attributes:
        drop: mean drop over the classes kept, in points, over the permutations that keep any; NaN if none does.
        p_value: of the test that no background matters, by the mean drop over the classes kept.
        classes: mean difference of each class's best and worst background, in points; the threshold plays no part.
        p_values: of each class's test; NaN where it has fewer than two backgrounds.
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
        cells: what was found.
        threshold: points by which a kept class's backgrounds differ.
        generator: of the permutations.
        permutations: how many.
        advance: called with the number of permutations done.
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
        drawn = choose(right, np.broadcast_to(cells.photos, right.shape), threshold)
        overalls.append(mean_over_kept(drawn.drop, drawn.kept))
        total += drawn.drop.sum(axis=0)
        # Equal fractions may differ by rounding.
        as_large += (drawn.drop >= found.drop - 1e-9).sum(axis=0)
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
