"""How much of a drop is confusion with near classes: wrong labels by how near they are to the right one.

Another reading of a drop is that models know the animal's kind and miss its species (fine-grained confusion). Each
photo is right, wrong with a near label or wrong with a far one (`realdata.evaluate.kinship`). Averaged over classes,
the shares of near and of far mistakes on counter photos, less those on common photos, add up to the drop. Intervals as
those of the drop (`realdata.statistics.bootstrap`).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from realdata.evaluate.kinship import NEAR, group_sizes
from realdata.statistics.bootstrap import balanced_intervals
from workbench.conventions import GROUPS


def confusion(predictions: pd.DataFrame, seed: int = 0) -> dict[str, Any]:
    """Near and far mistakes in both groups, class-balanced, in % of the photos, JSON-ready.

    Args:
        predictions: a row for each photo; its labels are ImageNet's.
        seed: of the bootstrap.

    Returns:
        `near_is`, the size of the largest group whose classes count as near; `near` and `far`, each with `common`,
        `counter` and `more_on_counter`, the difference in points, with intervals.
    """
    true, given = (predictions[name].to_numpy(dtype=int) for name in ("class_index", "predicted_index"))
    shown = np.unique(true)
    labels = np.unique(given)
    near = group_sizes(shown, labels)[np.searchsorted(shown, true), np.searchsorted(labels, given)] <= NEAR
    wrong = true != given
    found: dict[str, Any] = {"near_is": NEAR}
    for kind, chosen in (("near", wrong & near), ("far", wrong & ~near)):
        number, counts = {}, {}
        for group in GROUPS:
            of_group = (predictions["group"] == group).to_numpy()
            number[group] = np.array([np.sum(of_group & (true == index)) for index in shown])
            counts[group] = np.array([np.sum(of_group & chosen & (true == index)) for index in shown])
        found[kind] = _compare(number, counts, seed)
    return found


def _compare(number: Mapping[str, np.ndarray], counts: Mapping[str, np.ndarray], seed: int) -> dict[str, Any]:
    """The share of such mistakes in both groups, averaged over classes, and the difference with its intervals.

    Args:
        number: of photos of each class, by group.
        counts: of such mistakes among them.
        seed: of the bootstrap.
    """

    def share(photos: np.ndarray, mistaken: np.ndarray) -> np.ndarray:
        """Of photos that are no such mistakes: common less counter, which the bootstrap takes, is more of these."""
        return np.where(photos > 0, 100.0 * (photos - mistaken) / np.maximum(photos, 1), np.nan)

    def draw(generator: np.random.Generator, group: str, classes: np.ndarray) -> np.ndarray:
        photos = number[group][classes]
        return share(photos, generator.binomial(photos, counts[group][classes] / np.maximum(photos, 1)))

    intervals = balanced_intervals({group: share(number[group], counts[group]) for group in GROUPS}, draw, seed)
    return {group: 100.0 - intervals[group].value for group in GROUPS} | {
        "more_on_counter": intervals["drop"].content()
    }
