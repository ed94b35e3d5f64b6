"""The drop of a selection on photos that did not choose it.

The photos of each class and background are split at random; the rule is applied to one part, threshold and all, and the
drop is measured on the other. That measurement is free of the choice's luck: with no effect of the background its
expectation is 0. It is exactly unbiased for the drop of a selection made on as many photos as the first part has. Fewer
photos choose worse, so it falls short of the drop of the actual selection, on all photos, where an effect is real but
small beside chance. Two parts are used:

- `SHARE`, four fifths choose and a fifth measures: the correction that we quote.
- `HALF`, split-half: steadier, and further below the truth. Halves are as likely as their complements, so both
  directions are in the mean.

How far below, for 45 classes with photos of 10 backgrounds, 29 each, or of 2, 145 each, that differ by a standard
deviation of `s` logits (bias in points against the true drop of the pairs chosen on all photos, over 200 made data
sets, known to 0.1 or 0.2; `tests/realdata/test_curation.py` holds it):

| backgrounds, s  | true drop | naive | four fifths | split-half |
|-----------------|-----------|-------|-------------|------------|
| 10, 0           |       0.0 | +28.2 |        -0.2 |       -0.1 |
| 10, 0.3         |      12.9 | +22.2 |        -0.8 |       -2.8 |
| 10, 0.6         |      33.3 | +15.2 |        -1.0 |       -4.1 |
| 10, 1.2         |      62.8 |  +8.5 |        -0.9 |       -3.5 |
| 2, 0            |       0.0 |  +8.1 |         0.0 |        0.0 |
| 2, 0.3          |       9.4 |  +3.1 |        -0.3 |       -1.1 |
| 2, 1.2          |      29.1 |  +0.8 |        -0.1 |       -0.4 |

Nine tenths would be less biased still (at most 0.6), and so much less steady that its mean squared error is larger for
weak effects. Two other corrections were tried. Subtracting the halves' optimism (naive minus held out, over the root of
2, since chance is that much smaller on all photos) is about as biased as split-half, and not 0 without an effect where
the threshold matters (+1.1 with 2 backgrounds). Splitting only the classes that all photos keep is worst there: +5.0 of
nothing, since what both halves together must show is no longer independent of either.

A class by itself is split without the threshold, which makes its own estimate unbiased in the same sense. These do not
average to the overall one, since a class that is kept was lucky to be: their mean over the kept classes is too large.

The intervals are the value and 1.96 bootstrap standard errors. `over_photos`: these classes and backgrounds, other
photos of them; `over_classes`: other classes as well. Above, those over photos covered the true drop of the pairs
chosen on all photos in 90 to 97% of 60 data sets for four fifths; for halves, whose bias they leave out, in as few as
35%.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from realdata.curate.selection import Cells, choose, mean_over_kept
from realdata.statistics.bootstrap import Interval
from workbench.conventions import Z95

SHARE, HALF = 0.8, 0.5
SPLITS = 1_000
BOOTSTRAPS, BOOTSTRAP_SPLITS = 500, 40
_AT_ONCE = 1_000  # splits
_MOST = 100.0  # points that a drop can be


class HeldOut(NamedTuple):
    """The drop on photos that did not choose, in points.

    Attributes:
        drop: over the classes that each split keeps; None where none keeps any.
        classes: of each class, without the threshold; NaN where it has fewer than two backgrounds.
        intervals: theirs over photos.
    """

    drop: Interval | None
    classes: Float[np.ndarray, " classes"]
    intervals: Float[np.ndarray, "classes 2"]


def hold_out(
    cells: Cells,
    threshold: float,
    share: float,
    generator: np.random.Generator,
    splits: int = SPLITS,
    advance: Callable[[int], object] = lambda done: None,
) -> HeldOut:
    """Estimate the drop of a selection made on a share of the photos, on the others.

    Args:
        cells: each background with at least two photos.
        threshold: points by which a kept class's backgrounds differ.
        share: of each background's photos that choose.
        generator: of the splits and of the bootstrap.
        splits: how many; the bootstrap has its own number.
        advance: called with the number of splits done.
    """
    drops, kept = _splits(cells.right, cells.photos, threshold, share, splits, generator, advance)
    several = (cells.photos > 0).sum(axis=1) > 1
    exact, classes = _mean(mean_over_kept(drops, kept)), np.where(several, drops.mean(axis=0), np.nan)

    number = len(cells.classes)
    accuracy = cells.right / np.maximum(cells.photos, 1)
    over_photos, over_classes, of_classes = [], [], []
    for _ in range(BOOTSTRAPS):
        right = generator.binomial(cells.photos, accuracy)
        drops, kept = _splits(right, cells.photos, threshold, share, BOOTSTRAP_SPLITS, generator, advance)
        over_photos.append(_mean(mean_over_kept(drops, kept)))
        of_classes.append(drops.mean(axis=0))
        again = generator.integers(number, size=number)
        over_classes.append(_mean(mean_over_kept(drops[:, again], kept[:, again])))
    return HeldOut(
        None if np.isnan(exact) else Interval(exact, _interval(exact, over_photos), _interval(exact, over_classes)),
        classes,
        np.clip(
            classes[:, None] + Z95 * np.std(of_classes, axis=0, ddof=1)[:, None] * np.array([-1.0, 1.0]), -_MOST, _MOST
        ),
    )


def steps(splits: int) -> int:
    """The number of splits that `hold_out` makes in all, for a progress display."""
    return splits + BOOTSTRAPS * BOOTSTRAP_SPLITS


def _splits(
    right: Int[np.ndarray, "classes backgrounds"],
    photos: Int[np.ndarray, "classes backgrounds"],
    threshold: float,
    share: float,
    splits: int,
    generator: np.random.Generator,
    advance: Callable[[int], object],
) -> tuple[Float[np.ndarray, "splits classes"], Bool[np.ndarray, "splits classes"]]:
    """The drop on the photos that did not choose, and which classes the choosing ones keep, for each split."""
    drops, kept = [], []
    for start in range(0, splits, _AT_ONCE):
        shape = (min(_AT_ONCE, splits - start), *photos.shape)
        # Rounded up or down at random, so that the part's expected size is the share; at least one photo on each side.
        size = np.floor(share * photos + generator.random(shape)).astype(np.int64)
        size = np.where(photos > 0, np.clip(size, 1, np.maximum(photos - 1, 1)), 0)
        # Only counts matter, and those of a random part are hypergeometric.
        chosen_right = generator.hypergeometric(right, photos - right, size)
        choice = choose(chosen_right, size, threshold)
        other = (right - chosen_right) / np.maximum(photos - size, 1)
        common, counter = (
            np.take_along_axis(other, place[..., None], axis=-1)[..., 0] for place in (choice.common, choice.counter)
        )
        drops.append(100.0 * (common - counter))
        kept.append(choice.kept)
        advance(shape[0])
    return np.concatenate(drops), np.concatenate(kept)


def _mean(values: Float[np.ndarray, " splits"]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _interval(value: float, draws: list[float]) -> tuple[float, float]:
    half = Z95 * float(np.nanstd(draws, ddof=1))
    return max(value - half, -_MOST), min(value + half, _MOST)
