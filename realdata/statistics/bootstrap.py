"""Class-balanced means of both groups and their difference, with bootstrap intervals over photos and over classes.

One model. A group's value is the mean over the classes with photos in it; the drop is common minus counter. There are
two intervals. Over photos: photos are resampled within each class and group (the same classes, other photos). Over
classes as well: classes are resampled too, and each copy of a class has its own resampled photos (other classes, other
photos). The second interval is wider, since classes differ by more than the chance of their photos.

If every class of a group has an accuracy of 0 or 100%, resampled photos equal the original ones, and the bootstrap's
interval has no width. Exact bounds replace it. Accuracies a_c make all n_c photos of each class c right with
probability prod a_c^n_c. The lowest mean of the a_c for which this is still 2.5% has a_c = min(1, mu n_c) (Lagrange),
and is the interval's lower end. Upper ends, and classes at 0%, mirror it. The ends for the groups' difference follow
from theirs by the square-and-add rule (Zou and Donner 2008, doi 10.1002/sim.3095).

Two models on the same photos. The difference of their accuracies has paired intervals: a resampled photo brings the
answers of both models.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from scipy.optimize import brentq

from workbench.conventions import GROUPS, LEVEL, PERCENTILES_95

NAMES = (*GROUPS, "drop")
DRAWS = 10_000
_TAIL = LEVEL / 2


@dataclasses.dataclass(frozen=True)
class Interval:
    """A value in % or points with two 95% intervals.

    Attributes:
        value: the estimate.
        over_photos: the interval for the same classes and other photos.
        over_classes: the interval for other classes and other photos.
    """

    value: float
    over_photos: tuple[float, float]
    over_classes: tuple[float, float]

    def content(self, name: str = "value") -> dict[str, float | list[float]]:
        """The value, under a name, and its intervals, for result files."""
        return {
            name: self.value,
            "interval": list(self.over_photos),
            "interval_over_classes": list(self.over_classes),
        }


def balanced_intervals(
    values: dict[str, Float[np.ndarray, " classes"]],
    draw: Callable[[np.random.Generator, str, Int[np.ndarray, "draws classes"]], Float[np.ndarray, "draws classes"]],
    seed: int = 0,
) -> dict[str, Interval]:
    """Estimate both groups' means over classes and the drop, each with its intervals.

    Args:
        values: the value of each class in each group; NaN without photos.
        draw: takes a generator, a group and classes, and returns the values of these classes from resampled photos.
        seed: seed of the bootstrap.
    """
    generator = np.random.default_rng(seed)
    classes = len(values["common"])
    same = np.broadcast_to(np.arange(classes), (DRAWS, classes))
    chosen = generator.integers(classes, size=(DRAWS, classes))
    photos, both = ({group: draw(generator, group, each) for group in GROUPS} for each in (same, chosen))
    exact = {group: values[group][None] for group in GROUPS}
    return {
        name: Interval(float(_mean(exact, name)[0]), _ends(_mean(photos, name)), _ends(_mean(both, name)))
        for name in NAMES
    }


def _mean(values: dict[str, np.ndarray], name: str) -> Float[np.ndarray, " draws"]:
    if name == "drop":
        return _mean(values, "common") - _mean(values, "counter")
    known = ~np.isnan(values[name])
    # A draw may have no class with photos of the group.
    return np.where(known, values[name], 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)


def _ends(draws: Float[np.ndarray, " draws"]) -> tuple[float, float]:
    low, high = np.percentile(draws, PERCENTILES_95)
    return float(low), float(high)


def with_width(
    intervals: Mapping[str, Interval],
    right: Mapping[str, Int[np.ndarray, " classes"]],
    photos: Mapping[str, Int[np.ndarray, " classes"]],
) -> dict[str, Interval]:
    """Replace intervals by exact bounds where every class of a group is at 0 or 100%; leave the others as they are.

    Args:
        intervals: the intervals of both groups and of the drop, in %.
        right: number of right photos of each class in each group.
        photos: number of photos of each class in each group.
    """
    found = dict(intervals)
    for group in GROUPS:
        there = photos[group] > 0
        number, good = photos[group][there], right[group][there]
        if np.all((good == 0) | (good == number)):
            low = found[group].value - 100 * _loss(number[good == number]) * np.sum(good == number) / len(number)
            high = found[group].value + 100 * _loss(number[good == 0]) * np.sum(good == 0) / len(number)
            found[group] = _widen(found[group], (low, high))
    if any(found[group] is not intervals[group] for group in GROUPS):
        common, counter, value = found["common"], found["counter"], found["drop"].value
        low = value - np.hypot(common.value - common.over_photos[0], counter.over_photos[1] - counter.value)
        high = value + np.hypot(common.over_photos[1] - common.value, counter.value - counter.over_photos[0])
        found["drop"] = _widen(found["drop"], (float(low), float(high)))
    return found


def _loss(number: Int[np.ndarray, " classes"]) -> float:
    """How far below 1 the mean accuracy may be if all photos of all classes are right."""
    if not len(number):
        return 0.0

    def surplus(scale: float) -> float:
        return float(np.sum(number * np.log(np.minimum(1.0, scale * number))) - np.log(_TAIL))

    scale = brentq(surplus, 1e-12, 1 / number.min())
    return float(1 - np.mean(np.minimum(1.0, scale * number)))


def _widen(interval: Interval, ends: tuple[float, float]) -> Interval:
    both = interval.over_classes
    return dataclasses.replace(interval, over_photos=ends, over_classes=(min(both[0], ends[0]), max(both[1], ends[1])))


def pair(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """The photos with predictions of both models: a row for each, with `correct_a` and `correct_b`.

    Args:
        first: model A's predictions, with `path`, `class_index`, `group` and `correct`.
        second: model B's predictions.
    """
    keys = ["path", "class_index", "group"]
    return first[[*keys, "correct"]].merge(second[[*keys, "correct"]], on=keys, suffixes=("_a", "_b"))


def paired_intervals(pairs: pd.DataFrame, seed: int = 0) -> dict[str, Interval]:
    """A's accuracy minus B's in points, class-balanced, in both groups, and the difference of the two drops.

    A resampled photo brings the answers of both models, so that the difficulty that they share cancels.

    Args:
        pairs: the result of `pair`.
        seed: seed of the bootstrap.
    """
    counts = _outcomes(pairs)
    values = {group: _difference(counts[group]) for group in GROUPS}

    def draw(
        generator: np.random.Generator, group: str, classes: Int[np.ndarray, "draws classes"]
    ) -> Float[np.ndarray, "draws classes"]:
        chosen = counts[group][classes]
        number = chosen.sum(axis=-1)
        shares = chosen / np.maximum(number, 1)[..., None]
        # Without photos nothing is drawn, but the shares must still sum to 1.
        shares[..., 2] += number == 0
        return _difference(generator.multinomial(number, shares))

    return balanced_intervals(values, draw, seed)


def _outcomes(pairs: pd.DataFrame) -> dict[str, Int[np.ndarray, "classes 3"]]:
    """For each class of a group: the numbers of photos on which only A, only B, or both or neither are right."""
    classes = sorted(set(pairs.class_index))
    outcome = (pairs.correct_a - pairs.correct_b).map({1: 0, -1: 1, 0: 2})
    found = {}
    for group in GROUPS:
        of_group = pairs.group == group
        table = pd.crosstab(pairs.class_index[of_group], outcome[of_group])
        found[group] = table.reindex(index=classes, columns=[0, 1, 2], fill_value=0).to_numpy(int)
    return found


def _difference(counts: Int[np.ndarray, "*shape 3"]) -> Float[np.ndarray, "*shape"]:
    number = counts.sum(axis=-1)
    return np.where(number > 0, 100.0 * (counts[..., 0] - counts[..., 1]) / np.maximum(number, 1), np.nan)


def comparison(pairs: pd.DataFrame) -> dict[str, Any]:
    """A comparison, ready for JSON: differences in points with intervals, and counts of who is right."""
    intervals = paired_intervals(pairs)
    flips = {}
    for group in GROUPS:
        a, b = (pairs.loc[pairs.group == group, f"correct_{letter}"].astype(bool) for letter in "ab")
        flips[group] = {
            "photos": len(a),
            "both_right": int((a & b).sum()),
            "only_a_right": int((a & ~b).sum()),
            "only_b_right": int((b & ~a).sum()),
            "both_wrong": int((~a & ~b).sum()),
        }
    differences = {name: intervals[name].content() for name in NAMES}
    return {"differences": differences, "averages_over": {"differences.value": "classes"}, "photos": flips}
