"""Photos with their class, their background, and whether a model was right."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pandas as pd

from published.tables import Column, read_table
from realdata.photos.class_names import ClassNames
from realdata.photos.folders import find_uncurated
from workbench.errors import InputError

_ANSWERS: dict[str, Column] = {"predicted_index": (0, 10**6), "correct": ("0", "1", "False", "True")}


class Labelled(NamedTuple):
    """A row for each photo, with `path`, `class_index`, `background` and `correct` (0 or 1); and notes for the user."""

    photos: pd.DataFrame
    notes: list[str]


def read_labelled(
    predictions: Path, root: Path | None, classes: ClassNames, mapping: dict[str, int] | None = None
) -> Labelled:
    """Read a table of predictions, and the photos' classes and backgrounds: from a folder, or from the table.

    Args:
        predictions: `path`, and `predicted_index` or `correct`; without a folder `class_index` and `background` too.
        root: folder of folders class/background; a group before the background's name is ignored.
        classes: all classes.
        mapping: class folder to index, for other names.

    Raises:
        InputError: the table or the folder cannot be read, a path occurs twice, or no photo has a prediction.
    """
    table = _read_predictions(predictions, with_labels=root is None)
    notes: list[str] = []
    if root is not None:
        labels, notes = _read_labels(root, classes, mapping)
        known = table.path.isin(labels.path)
        if not known.any():
            raise InputError(
                f"{predictions}: names no photo of {root}; its paths must be like {labels.path.iloc[0]!r}, got "
                f"{table.path.iloc[0]!r}"
            )
        without = labels[~labels.path.isin(table.path)].path.tolist()
        notes += _photo_notes(without, "without a prediction, left out")
        notes += _photo_notes(table[~known].path.tolist(), "with a prediction but no such file, left out")
        table = labels.merge(table[["path", *(name for name in _ANSWERS if name in table)]], on="path")
    if "predicted_index" in table:
        correct = (table.predicted_index == table.class_index).astype(int)
        if "correct" in table:
            contradicted = table.path[correct != _to_correct(table.correct)].tolist()
            notes += _photo_notes(contradicted, "whose 'correct' contradicts the predicted index, which is used")
    else:
        correct = _to_correct(table.correct)
    columns = {name: table[name] for name in ("path", "class_index", "background")}
    return Labelled(pd.DataFrame(columns | {"correct": correct}), notes)


def _read_predictions(path: Path, with_labels: bool) -> pd.DataFrame:
    present = read_table(path, {"path": None}).columns  # which columns there are decides how to read them
    columns = {name: allowed for name, allowed in _ANSWERS.items() if name in present}
    has = f"it has {', '.join(present)}"
    if not columns:
        raise InputError(f"{path}: must have the column {' or '.join(map(repr, _ANSWERS))}; {has}")
    if with_labels:
        for name in ("class_index", "background"):
            if name not in present:
                raise InputError(f"{path}: lacks the column {name!r}, which it must have without --photos; {has}")
        columns |= {"class_index": (0, 10**6), "background": None}
    table = read_table(path, columns)
    table["path"] = [PurePosixPath(name).as_posix() for name in table.path]
    wrong = {"path": (table.path.duplicated(), "occurs twice")}
    if with_labels:
        table["class_index"] = table.class_index.astype(int)
        wrong["background"] = (table.background == "", "must be a name, got nothing")
    for column, (rows, what) in wrong.items():
        if rows.any():
            row = int(rows.to_numpy().argmax())
            # The header is the file's line 1.
            raise InputError(f"{path}: line {row + 2}, column {column!r}: {table[column].iloc[row]!r} {what}")
    return table


def _read_labels(root: Path, classes: ClassNames, mapping: dict[str, int] | None) -> tuple[pd.DataFrame, list[str]]:
    """The class and background of a folder's photos, and notes on its other files."""
    found = find_uncurated(root, classes, mapping, option="`photos`")
    rows = [(photo.path, photo.class_index, photo.background) for photo in found.photos]
    return pd.DataFrame(rows, columns=pd.Index(["path", "class_index", "background"])), found.notes


def _to_correct(answers: pd.Series) -> pd.Series:
    return answers.isin(["1", "True"]).astype(int)


def _photo_notes(paths: Sequence[str], what: str) -> list[str]:
    return [f"{len(paths)} {'photo' if len(paths) == 1 else 'photos'} {what}; the first: {paths[0]}"] if paths else []
