"""Class-balanced means of both groups and their difference, with bootstrap intervals over photos and over classes.

A group's value is the mean over the classes that have photos in it; the drop is common minus counter. Two intervals:
over photos, drawn again within each class and group (these classes, other photos of them); and over classes as well,
each copy of a class with photos of its own (other classes, and other photos of them). The second is wider, since
classes differ by more than their photos' chance does.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

from realdata.photos import GROUPS

NAMES = (*GROUPS, "drop")
DRAWS = 10_000
LEVEL = 95.0  # %


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
    low, high = np.percentile(draws, [(100 - LEVEL) / 2, (100 + LEVEL) / 2])
    return float(low), float(high)
