"""Intervals where the bootstrap gives none: every class of a group is always right or always wrong.

Photos drawn again from such classes are as they were, so that the bootstrap's interval has no width. Exact bounds have
some. Where all n_c photos of each class c are right, accuracies a_c make that happen with probability prod a_c^n_c; the
lowest mean of the a_c for which it is still 2.5% has a_c = min(1, mu n_c) (Lagrange), and is the interval's lower end;
upper ends and wrong photos mirror it. The difference of the groups gets its ends from theirs by the square-and-add rule
(Zou and Donner 2008, doi 10.1002/sim.3095).
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
from jaxtyping import Int
from scipy.optimize import brentq

from realdata.bootstrap import LEVEL, Interval
from realdata.photos import GROUPS

_TAIL = (1 - LEVEL / 100) / 2


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
