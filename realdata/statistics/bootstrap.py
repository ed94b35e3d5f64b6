"""Class-balanced means of both groups and their difference, with bootstrap intervals over photos and over classes.

A group's value is the mean over the classes that have photos in it; the drop is common minus counter. Two intervals:
over photos, drawn again within each class and group (these classes, other photos of them); and over classes as well,
each copy of a class with photos of its own (other classes, and other photos of them). The second is wider, since
classes differ by more than their photos' chance does.

Where every class of a group is always right or always wrong, photos drawn again are as they were, so that the
bootstrap's interval has no width. Exact bounds have some. Where all n_c photos of each class c are right, accuracies
a_c make that happen with probability prod a_c^n_c; the lowest mean of the a_c for which it is still 2.5% has
a_c = min(1, mu n_c) (Lagrange), and is the interval's lower end; upper ends and wrong photos mirror it. The difference
of the groups gets its ends from theirs by the square-and-add rule (Zou and Donner 2008, doi 10.1002/sim.3095).
"""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
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
        over_photos: these classes, other photos of them.
        over_classes: other classes, and other photos of them.
    """

    value: float
    over_photos: tuple[float, float]
    over_classes: tuple[float, float]

    def content(self, name: str = "value") -> dict[str, float | list[float]]:
        """As result files hold it, the value under a name."""
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
    """Both groups' means over classes and the drop, each with its intervals.

    Args:
        values: of each class in each group, NaN where it has no photos.
        draw: given a generator, a group and classes, the values of those classes from photos drawn again.
        seed: of the bootstrap.
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
    # A draw of classes may hold none that has photos of the group.
    return np.where(known, values[name], 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)


def _ends(draws: Float[np.ndarray, " draws"]) -> tuple[float, float]:
    low, high = np.percentile(draws, PERCENTILES_95)
    return float(low), float(high)


def with_width(
    intervals: Mapping[str, Interval],
    right: Mapping[str, Int[np.ndarray, " classes"]],
    photos: Mapping[str, Int[np.ndarray, " classes"]],
) -> dict[str, Interval]:
    """Intervals with exact bounds where every class of a group is at 0 or 100%, as they are where not.

    Args:
        intervals: of both groups and the drop, in %.
        right: photos that are right, of each class in each group.
        photos: all of them.
    """
    found = dict(intervals)
    for group in GROUPS:
        there = photos[group] > 0
        number, good = photos[group][there], right[group][there]
        if np.all((good == 0) | (good == number)):
            low = found[group].value - 100 * _loss(number[good == number]) * np.sum(good == number) / len(number)
            high = found[group].value + 100 * _loss(number[good == 0]) * np.sum(good == 0) / len(number)
            found[group] = _widened(found[group], (low, high))
    if any(found[group] is not intervals[group] for group in GROUPS):
        common, counter, value = found["common"], found["counter"], found["drop"].value
        low = value - np.hypot(common.value - common.over_photos[0], counter.over_photos[1] - counter.value)
        high = value + np.hypot(common.over_photos[1] - common.value, counter.value - counter.over_photos[0])
        found["drop"] = _widened(found["drop"], (float(low), float(high)))
    return found


def _loss(number: Int[np.ndarray, " classes"]) -> float:
    """How far the mean accuracy of classes, all of whose photos are right, may lie below 1."""
    if not len(number):
        return 0.0

    def surplus(scale: float) -> float:
        return float(np.sum(number * np.log(np.minimum(1.0, scale * number))) - np.log(_TAIL))

    scale = brentq(surplus, 1e-12, 1 / number.min())
    return float(1 - np.mean(np.minimum(1.0, scale * number)))


def _widened(interval: Interval, ends: tuple[float, float]) -> Interval:
    both = interval.over_classes
    return dataclasses.replace(interval, over_photos=ends, over_classes=(min(both[0], ends[0]), max(both[1], ends[1])))
