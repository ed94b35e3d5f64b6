"""A model's predictions, and the accuracies that follow from them, with intervals."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from published.tables import read_table
from realdata.statistics.bootstrap import Interval, balanced_intervals, with_width
from workbench.conventions import GROUPS
from workbench.errors import InputError

FILE = "predictions.csv"
COLUMNS = ("path", "class_index", "group", "background", "predicted_index", "correct", "score")
TIE_COLUMNS = ("tied", "tied_with_own")  # as in `realdata.evaluate.ties.Answer`
_INDEX = (0, 10**6)
# What each accuracy in a summary averages over, by its place there: `classes`, the mean over classes of each class's
# accuracy; or `photos`, where each photo counts the same.
AVERAGES = {
    "groups.accuracy": "classes",
    "groups.accuracy_unbalanced": "photos",
    "drop.value": "classes",
    "worst_class.accuracy": "photos",
    "worst_group.accuracy": "photos",
    "classes.common": "photos",
    "classes.counter": "photos",
    "ties.accuracy_with_shares": "classes",
    "mistakes.with_background": "photos",
    "mistakes.near.with_background": "photos",
    "mistakes.far.with_background": "photos",
    "confusion.near": "classes",
    "confusion.far": "classes",
    "effective_robustness.value": "classes",
    "reliance.value": "classes",
    "published.common": "classes",
    "published.counter": "classes",
    "published.drop": "classes",
}


def class_table(predictions: pd.DataFrame) -> pd.DataFrame:
    """Count photos and right answers of each class in each group: columns `common`, `common_right` and so on.

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


def balanced_accuracy(table: pd.DataFrame, group: str) -> float:
    """The mean over the classes with photos of their accuracies in a group, in %.

    Args:
        table: the result of `class_table`.
        group: `common` or `counter`.
    """
    there = table[table[group] > 0]
    return 100.0 * float((there[f"{group}_right"] / there[group]).mean())


def group_intervals(table: pd.DataFrame, seed: int = 0) -> dict[str, Interval]:
    """Class-balanced accuracies of both groups in %, and their difference, `drop`, each with its intervals.

    Args:
        table: the result of `class_table`.
        seed: seed of the bootstrap.
    """
    photos = {group: table[group].to_numpy() for group in GROUPS}
    right = {group: table[f"{group}_right"].to_numpy() for group in GROUPS}
    shares = {group: _share(right[group], photos[group]) for group in GROUPS}

    def draw(
        generator: np.random.Generator, group: str, classes: Int[np.ndarray, "draws classes"]
    ) -> Float[np.ndarray, "draws classes"]:
        # The number of right answers among resampled photos of a class and group is binomial.
        number, share = photos[group][classes], np.nan_to_num(shares[group])[classes] / 100.0
        return _share(generator.binomial(number, share), number)

    return with_width(balanced_intervals(shares, draw, seed), right, photos)


def _share(right: np.ndarray, photos: np.ndarray) -> np.ndarray:
    return np.where(photos > 0, 100.0 * right / np.maximum(photos, 1), np.nan)


def summary(predictions: pd.DataFrame, names: dict[int, str]) -> dict[str, Any]:
    """The part of `summary.json` that follows from predictions: groups, drop, classes and the worst of them; in %."""
    table = class_table(predictions)
    intervals = group_intervals(table)
    groups = {
        group: intervals[group].content("accuracy")
        | {
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
    worst = {group: _worst(classes, group) for group in GROUPS}
    return {
        "groups": groups,
        "drop": intervals["drop"].content(),
        "worst_class": worst,
        # Here a group is a class on a background, as in the literature on worst-group accuracy.
        "worst_group": min(worst.values(), key=lambda cell: cell["accuracy"]),
        "classes": classes,
    }


def _worst(classes: list[dict[str, Any]], group: str) -> dict[str, Any]:
    row = min((row for row in classes if row[group] is not None), key=lambda row: row[group])
    return {
        "class_index": row["class_index"],
        "label": row["label"],
        "group": group,
        "accuracy": row[group],
        "photos": row[f"{group}_photos"],
    }


def read_predictions(place: Path, groups: tuple[str, ...] | None = GROUPS) -> pd.DataFrame:
    """Read the predictions of an evaluation.

    Args:
        place: the evaluation's folder, or the file.
        groups: the groups that there may be; None for any.

    Returns:
        A row for each photo: `path`, `class_index`, `group`, `background`, `predicted_index`, `correct`.

    Raises:
        InputError: the file cannot be read, a value is wrong, a path occurs twice, or `correct` contradicts the
            indices; the message says where.
    """
    path = place / FILE if place.is_dir() else place
    columns = {"path": None, "class_index": _INDEX, "group": groups, "background": None}
    table = read_table(path, columns | {"predicted_index": _INDEX, "correct": (0.0, 1.0)})
    for column in ("class_index", "predicted_index", "correct"):
        table[column] = table[column].astype(int)
    twice = table["path"].duplicated()
    if twice.any():
        raise InputError(
            f"{path}: line {int(twice.to_numpy().argmax()) + 2}: the path {table.path[twice].iloc[0]} occurs twice"
        )
    wrong = (table.class_index == table.predicted_index) != (table.correct == 1)
    if wrong.any():
        raise InputError(
            f"{path}: line {int(wrong.to_numpy().argmax()) + 2}: correct must be 1 where predicted_index is "
            "class_index, and 0 elsewhere"
        )
    return table
