"""`predictions.csv`, read and checked."""

from pathlib import Path

import pandas as pd

from published.tables import read_table
from realdata.photos import GROUPS
from workbench.errors import InputError

FILE = "predictions.csv"
_INDEX = (0, 10**6)


def read_predictions(place: Path) -> pd.DataFrame:
    """The predictions of an evaluation.

    Args:
        place: its folder, or the file.

    Returns:
        A row for each photo: `path`, `class_index`, `group`, `background`, `predicted_index`, `correct`.

    Raises:
        InputError: naming the file, and where there is one the row and column; also if a path is there twice, or
            `correct` does not follow from the indices.
    """
    path = place / FILE if place.is_dir() else place
    columns = {"path": None, "class_index": _INDEX, "group": GROUPS, "background": None}
    table = read_table(path, columns | {"predicted_index": _INDEX, "correct": (0.0, 1.0)})
    for column in ("class_index", "predicted_index", "correct"):
        table[column] = table[column].astype(int)
    twice = table["path"].duplicated()
    if twice.any():
        raise InputError(
            f"{path}: line {int(twice.to_numpy().argmax()) + 2}: the path {table.path[twice].iloc[0]} is there twice"
        )
    wrong = (table.class_index == table.predicted_index) != (table.correct == 1)
    if wrong.any():
        raise InputError(
            f"{path}: line {int(wrong.to_numpy().argmax()) + 2}: correct must be 1 where predicted_index is "
            "class_index, and 0 elsewhere"
        )
    return table
