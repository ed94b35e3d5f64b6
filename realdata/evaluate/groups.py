"""Accuracies where a group is a class with an attribute, as on Waterbirds: of each group, on average, of the worst.

The average has three weightings, and papers differ in which they print. By photos: all photos that were evaluated
count the same (WILDS's `acc_avg`). By training groups: each group's accuracy counts as often as the group occurs in the
training split, since Waterbirds' test split is balanced by design (Sagawa et al. 2020, arXiv 1911.08731, and most
papers after it). All groups alike: the mean of the groups' accuracies (`adjusted_accuracy` of SubpopBench, arXiv
2302.12254). Groups without photos do not count, in the averages or as the worst (as in WILDS).

Intervals at 95%. A group's is Clopper and Pearson's. An average's ends lie as far from it as the root of the sum of
w_g^2 d_g^2, where w_g is a group's weight and d_g the distance to the end of its interval (square-and-add: Zou and
Donner 2008, doi 10.1002/sim.3095). The worst group's accuracy is the least of the true accuracies, which of them ever
it be: its lower end is the least of all lower ends, since the worst group's own is no less; its upper end is the least
of the upper ends, at 2.5% divided by the number of groups, all of which hold together (derived here). So it allows for
the choice of the group.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from statsmodels.stats.proportion import proportion_confint

from realdata.photos.folders import DataSet
from workbench.conventions import LEVEL

_TAIL = LEVEL / 2
# What each accuracy in a summary averages over, by its place there; `groups`, where each group counts the same.
AVERAGES = {
    "groups.accuracy": "photos",
    "worst_group.accuracy": "photos",
    "average.by_photos": "photos",
    "average.by_training_groups": "groups, weighted by their photos in the training split",
    "average.all_groups_alike": "groups",
}


def group_table(predictions: pd.DataFrame) -> pd.DataFrame:
    """Count photos and right answers of each group: `class_index`, `attribute`, `photos` and `right`, by group.

    Args:
        predictions: a row for each photo, with `class_index`, `background`, `group` and `correct`.
    """
    found = predictions.groupby("group").agg(
        class_index=("class_index", "first"),
        attribute=("background", "first"),
        photos=("correct", "size"),
        right=("correct", "sum"),
    )
    return found.sort_values(["class_index", "attribute"])


def group_weights(groups: Sequence[str], photos: Int[np.ndarray, " groups"], data: DataSet) -> dict[str, Any]:
    """The weight of each group in each average; None where it is not known.

    Args:
        groups: the groups.
        photos: the number of photos of each that were evaluated.
        data: the data set, for the training split.
    """
    weights: dict[str, Any] = {
        "by_photos": photos / photos.sum(),
        "by_training_groups": None,
        "all_groups_alike": np.full(len(groups), 1 / len(groups)),
    }
    counts = np.array([(data.training or {}).get(group, 0) for group in groups])
    if counts.sum() > 0:
        weights["by_training_groups"] = counts / counts.sum()
    return weights


def summarise_accuracies(predictions: pd.DataFrame, data: DataSet, names: Mapping[int, str]) -> dict[str, Any]:
    """The part of `summary.json` that follows from the predictions; accuracies in %.

    Args:
        predictions: a row for each photo, with `class_index`, `background`, `group` and `correct`.
        data: the data set, for the training split.
        names: class index to name.

    Returns:
        `groups`, by name; `worst_group`; and `average`, with each weighting of the docstring above: `value` and
        `interval`, or None where the table has no training split.
    """
    table = group_table(predictions)
    photos, right = table.photos.to_numpy(int), table.right.to_numpy(int)
    shares = right / photos
    low, high = exact_ends(right, photos, _TAIL)
    training = data.training or {}
    groups = {
        str(group): {
            "class_index": int(row.class_index),
            "label": names[int(row.class_index)],
            "attribute": row.attribute,
            "photos": int(row.photos),
            "training_photos": training.get(str(group)),
            "accuracy": 100.0 * float(shares[place]),
            "interval": [100.0 * float(low[place]), 100.0 * float(high[place])],
        }
        for place, (group, row) in enumerate(table.iterrows())
    }
    average = {
        name: None if weights is None else _average(weights, shares, low, high)
        for name, weights in group_weights(list(groups), photos, data).items()
    }
    worst = int(shares.argmin())
    _, together = exact_ends(right, photos, _TAIL / len(table))
    name = str(table.index[worst])
    return {
        "groups": groups,
        "worst_group": {"group": name}
        | {key: groups[name][key] for key in ("class_index", "label", "attribute", "accuracy", "photos")}
        | {"interval": [100.0 * float(low.min()), 100.0 * float(together.min())]},
        "average": average,
        "averages_over": AVERAGES,
    }


def exact_ends(
    right: Int[np.ndarray, " groups"], photos: Int[np.ndarray, " groups"], tail: float
) -> tuple[Float[np.ndarray, " groups"], Float[np.ndarray, " groups"]]:
    """Clopper and Pearson's bounds of shares: each has the probability `tail` at most of being wrong.

    Args:
        right: successes.
        photos: trials.
        tail: the probability on either side.
    """
    return proportion_confint(right, photos, 2.0 * tail, method="beta")


def _average(weights: np.ndarray, shares: np.ndarray, low: np.ndarray, high: np.ndarray) -> dict[str, Any]:
    value = float(weights @ shares)
    below, above = np.linalg.norm(weights * (shares - low)), np.linalg.norm(weights * (high - shares))
    return {"value": 100.0 * value, "interval": [100.0 * float(value - below), 100.0 * float(value + above)]}
