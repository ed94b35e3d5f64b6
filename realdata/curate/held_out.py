"""The drop of a selection, measured on photos that were not used to select.

The photos of each class and background are split at random. The whole rule, threshold included, is applied to one part,
and the drop is measured on the other. So the measurement has no selection effect: if the background has no effect, its
expectation is 0. It is exactly unbiased for the drop of a selection made on as many photos as the first part has. With
fewer photos the rule chooses worse. Where an effect is real but small compared with chance, the estimate is therefore
too small for the actual selection, which used all photos. Two splits are used:

- `SHARE`: four fifths choose and a fifth measures. This is the correction that we quote.
- `HALF`, split-half: less variable, and further below the truth. A half is as likely as its complement, so the mean
  includes both directions.

The bias, for 45 classes with photos on 10 backgrounds, 29 each, or on 2, 145 each, that differ by a standard deviation
of `s` logits. It is in points, against the true drop of the pairs chosen on all photos, over 200 simulated data sets,
with an error of 0.1 or 0.2 (tested in `tests/realdata/test_curation.py`):

| backgrounds, s  | true drop | naive | four fifths | split-half |
|-----------------|-----------|-------|-------------|------------|
| 10, 0           |       0.0 | +28.2 |        -0.2 |       -0.1 |
| 10, 0.3         |      12.9 | +22.2 |        -0.8 |       -2.8 |
| 10, 0.6         |      33.3 | +15.2 |        -1.0 |       -4.1 |
| 10, 1.2         |      62.8 |  +8.5 |        -0.9 |       -3.5 |
| 2, 0            |       0.0 |  +8.1 |         0.0 |        0.0 |
| 2, 0.3          |       9.4 |  +3.1 |        -0.3 |       -1.1 |
| 2, 1.2          |      29.1 |  +0.8 |        -0.1 |       -0.4 |

Nine tenths would be less biased (at most 0.6), but so variable that the mean squared error is larger for weak effects.
Two other corrections were tried. One subtracts the halves' optimism: naive minus held out, over the root of 2, since
chance is smaller by that factor on all photos. It is about as biased as split-half, and not 0 without an effect where
the threshold matters (+1.1 with 2 backgrounds). The other splits only the classes that all photos keep. There it is the
worst: +5.0 without an effect, since a condition on both halves together makes neither of them independent.

A single class is split without the threshold, which makes its own estimate unbiased in the same sense. The mean of
these over the kept classes is larger than the overall estimate, since kept classes are those with luck.

The intervals are the value plus and minus 1.96 bootstrap standard errors. `over_photos`: the same classes and
backgrounds, other photos. `over_classes`: other classes as well. For four fifths, the intervals over photos covered the
true drop of the pairs chosen on all photos in 90 to 97% of 60 data sets. For halves, whose bias they do not include,
they covered it in as few as 35%.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from realdata.curate.config import SPLITS
from realdata.curate.selection import Cells, choose, mean_over_kept
from realdata.statistics.bootstrap import Interval
from workbench.conventions import Z95

SHARE, HALF = 0.8, 0.5
BOOTSTRAPS, BOOTSTRAP_SPLITS = 500, 40
_AT_ONCE = 1_000  # splits in one array
_MOST = 100.0  # the largest drop, in points


class HeldOut(NamedTuple):
    """The drop on photos that were not used to select, in points.

    Attributes:
        drop: the drop over the classes that each split keeps; None if no split keeps any.
        classes: the drop of each class, without the threshold; NaN for fewer than two backgrounds.
        intervals: the classes' intervals over photos.
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
    """Estimate the drop of a selection that a share of the photos makes, on the other photos.

    Args:
        cells: counts for backgrounds with at least two photos.
        threshold: points by which a kept class's backgrounds differ.
        share: the share of each background's photos that choose.
        generator: random numbers for the splits and the bootstrap.
        splits: number of splits; the bootstrap has its own number.
        advance: called with the number of finished splits.
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
    """For each split, the drop on the measuring photos, and which classes the choosing photos keep."""
    drops, kept = [], []
    for start in range(0, splits, _AT_ONCE):
        shape = (min(_AT_ONCE, splits - start), *photos.shape)
        # Rounded up or down at random, so that the expected size is the share; each part has at least one photo.
        size = np.floor(share * photos + generator.random(shape)).astype(np.int64)
        size = np.where(photos > 0, np.clip(size, 1, np.maximum(photos - 1, 1)), 0)
        # Only counts matter; the counts of a random part are hypergeometric.
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
    """All that can be where fewer than two draws keep a class."""
    known = [draw for draw in draws if not np.isnan(draw)]
    half = Z95 * float(np.std(known, ddof=1)) if len(known) > 1 else 2 * _MOST
    return max(value - half, -_MOST), min(value + half, _MOST)
