"""Photos labelled by class and background, with whether a model was right on each."""

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
    """The photos: `path`, `class_index`, `background` and `correct` (0 or 1); and what a person should know of them."""

    photos: pd.DataFrame
    notes: list[str]


def read_labelled(
    predictions: Path, root: Path | None, classes: ClassNames, mapping: dict[str, int] | None = None
) -> Labelled:
    """Read a table of predictions, and what its photos show: from their folders, or from the table itself.

    Args:
        predictions: `path`, and `predicted_index` or `correct`; without a folder `class_index` and `background` too.
        root: folder of class folders, each of folders named after backgrounds, with or without a group before it.
        classes: the classes that there are.
        mapping: class folder to index, for other names.

    Raises:
        InputError: one of them cannot be read, a path occurs twice, or no photo has a prediction.
    """
    table = _read_predictions(predictions, with_labels=root is None)
    notes: list[str] = []
    if root is not None:
        shown, notes = _shown(root, classes, mapping)
        known = table.path.isin(shown.path)
        if not known.any():
            raise InputError(
                f"{predictions}: names no photo of {root}; its paths must be like {shown.path.iloc[0]!r}, got "
                f"{table.path.iloc[0]!r}"
            )
        without = shown[~shown.path.isin(table.path)].path.tolist()
        notes += _told(without, "without a prediction, left out")
        notes += _told(table[~known].path.tolist(), "with a prediction but no such file, left out")
        table = shown.merge(table[["path", *(name for name in _ANSWERS if name in table)]], on="path")
    if "predicted_index" in table:
        correct = (table.predicted_index == table.class_index).astype(int)
        if "correct" in table:
            contradicted = table.path[correct != _right(table.correct)].tolist()
            notes += _told(contradicted, "whose 'correct' contradicts the predicted index, which is believed")
    else:
        correct = _right(table.correct)
    columns = {name: table[name] for name in ("path", "class_index", "background")}
    return Labelled(pd.DataFrame(columns | {"correct": correct}), notes)


def _read_predictions(path: Path, with_labels: bool) -> pd.DataFrame:
    there = read_table(path, {"path": None}).columns  # which of the columns there are says how to read them
    columns = {name: allowed for name, allowed in _ANSWERS.items() if name in there}
    has = f"it has {', '.join(there)}"
    if not columns:
        raise InputError(f"{path}: must have the column {' or '.join(map(repr, _ANSWERS))}; {has}")
    if with_labels:
        for name in ("class_index", "background"):
            if name not in there:
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


def _shown(root: Path, classes: ClassNames, mapping: dict[str, int] | None) -> tuple[pd.DataFrame, list[str]]:
    """What the photos of a folder show, and what a person should know of its other files."""
    found = find_uncurated(root, classes, mapping, option="`photos`")
    rows = [(photo.path, photo.class_index, photo.background) for photo in found.photos]
    return pd.DataFrame(rows, columns=pd.Index(["path", "class_index", "background"])), found.notes


def _right(answers: pd.Series) -> pd.Series:
    return answers.isin(["1", "True"]).astype(int)


def _told(paths: Sequence[str], what: str) -> list[str]:
    return [f"{len(paths)} {'photo' if len(paths) == 1 else 'photos'} {what}; the first: {paths[0]}"] if paths else []
