"""What a model said of each photo, and the accuracies that follow, with intervals."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from realdata.photos import GROUPS

COLUMNS = ("path", "class_index", "group", "background", "predicted_index", "correct", "score")
DRAWS = 10_000  # of the bootstrap
LEVEL = 95.0  # %


@dataclasses.dataclass(frozen=True)
class Interval:
    """A value in % with two 95% intervals.

    Attributes:
        value: the estimate.
        over_photos: bootstrap over the photos of each class and group: these classes, other photos of them.
        over_classes: over the classes as well: other classes, and other photos of them; wider, since classes differ.
    """

    value: float
    over_photos: tuple[float, float]
    over_classes: tuple[float, float]


def class_table(predictions: pd.DataFrame) -> pd.DataFrame:
    """A row for each class: photos and right answers in each group, columns `common`, `common_right` and so on.

    Args:
        predictions: a row for each photo, with `class_index`, `group` and `correct`.
    """
    counted = predictions.groupby(["class_index", "group"]).correct.agg(["size", "sum"]).unstack(fill_value=0)
    return pd.DataFrame(
        {
            name: counted.get((column, group), 0)
            for group in GROUPS
            for name, column in ((group, "size"), (f"{group}_right", "sum"))
        }
    )


def group_intervals(table: pd.DataFrame, seed: int = 0) -> dict[str, Interval]:
    """Class-balanced accuracies in % of both groups, and their `drop`, each with its intervals.

    A group's accuracy is the mean over the classes that have photos in it; the drop is the difference of the two.

    Args:
        table: as `class_table` gives it.
        seed: of the bootstrap.
    """
    generator = np.random.default_rng(seed)
    counts = {group: table[group].to_numpy() for group in GROUPS}
    right = {group: table[f"{group}_right"].to_numpy() for group in GROUPS}
    exact = {group: _share(right[group][None], counts[group]) for group in GROUPS}
    # Photos drawn again from a class and group are right as often as a binomial number of them says; of classes drawn
    # again, each copy has photos of its own.
    chosen = generator.integers(len(table), size=(DRAWS, len(table)))

    def draw(group: str, classes: Int[np.ndarray, "draws classes"]) -> Float[np.ndarray, "draws classes"]:
        number, share = counts[group][classes], np.nan_to_num(exact[group][0])[classes] / 100.0
        return _share(generator.binomial(number, share), number)

    same = np.broadcast_to(np.arange(len(table)), chosen.shape)
    drawn, drawn_classes = ({group: draw(group, classes) for group in GROUPS} for classes in (same, chosen))
    return {
        name: Interval(
            float(_balanced(exact, name)[0]),
            _percentiles(_balanced(drawn, name)),
            _percentiles(_balanced(drawn_classes, name)),
        )
        for name in (*GROUPS, "drop")
    }


def _share(right: np.ndarray, counts: np.ndarray) -> Float[np.ndarray, "draws classes"]:
    return np.where(counts > 0, 100.0 * right / np.maximum(counts, 1), np.nan)


def _balanced(shares: dict[str, np.ndarray], name: str) -> Float[np.ndarray, " draws"]:
    if name == "drop":
        return _balanced(shares, "common") - _balanced(shares, "counter")
    values = shares[name]
    known = ~np.isnan(values)
    # A draw of classes may hold none that has photos of the group.
    return np.where(known, values, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)


def _percentiles(draws: Float[np.ndarray, " draws"]) -> tuple[float, float]:
    low, high = np.percentile(draws, [(100 - LEVEL) / 2, (100 + LEVEL) / 2])
    return float(low), float(high)


def summary(predictions: pd.DataFrame, names: dict[int, str]) -> dict[str, Any]:
    """The numbers of `summary.json` that follow from predictions: groups, drop and classes; accuracies in %."""
    table = class_table(predictions)
    intervals = group_intervals(table)
    groups = {
        group: {
            "accuracy": intervals[group].value,
            "interval": list(intervals[group].over_photos),
            "interval_over_classes": list(intervals[group].over_classes),
            "accuracy_unbalanced": 100.0 * float(table[f"{group}_right"].sum() / table[group].sum()),
            "photos": int(table[group].sum()),
        }
        for group in GROUPS
    }
    classes = []
    for index, row in table.iterrows():
        cells: dict[str, Any] = {"class_index": int(str(index)), "label": names[int(str(index))]}
        for group in GROUPS:
            cells[group] = 100.0 * float(row[f"{group}_right"] / row[group]) if row[group] else None
        classes.append(cells | {f"{group}_photos": int(row[group]) for group in GROUPS})
    drop = intervals["drop"]
    return {
        "groups": groups,
        "drop": {
            "value": drop.value,
            "interval": list(drop.over_photos),
            "interval_over_classes": list(drop.over_classes),
        },
        "classes": classes,
    }
