"""Constants that are chosen on photos, which must not be the reported ones.

A constant that is chosen on the photos that are then reported claims what it was fitted to; and CounterAnimal's photos
were themselves selected by a model's failures. So there are two ways. Other photos: a folder, or another split; that
none of them is also reported is checked by their files and by their embeddings, which a copy does not change. Or by
class: the classes are dealt into five parts, and the constant for the photos of a part is chosen on the other parts.

Chosen is the constant with the highest accuracy on counter photos (mean over classes), or of the worst group where
groups are classes with attributes; in a tie, the configured one.
"""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd

from realdata.evaluate.config import EvaluationConfig
from realdata.evaluate.groups import group_table
from realdata.evaluate.predictions import balanced_accuracy, class_table
from realdata.photos.class_names import ClassNames, read_mapping
from realdata.photos.folders import DataSet, find_photos
from realdata.photos.metadata import read_metadata
from realdata.repairs.config import CLASSES
from realdata.repairs.embeddings import Embedded
from workbench.errors import InputError

_PARTS = 5
_WHY = (
    "a constant chosen on the photos that are reported claims what it was fitted to, and a model's failures selected "
    "CounterAnimal's"
)


def read_held_out(config: EvaluationConfig, classes: ClassNames, reported: DataSet, where: str) -> DataSet:
    """The photos of `tune_on`: a split of the table, or a folder.

    Args:
        config: the configuration.
        classes: the classes.
        reported: the photos that are evaluated.
        where: the value of `tune_on`.

    Raises:
        InputError: there is no such split or folder, or one of its photos is also reported.
    """
    try:
        if config.metadata is not None:
            held_out = read_metadata(config.data, dataclasses.replace(config.metadata, split=where), classes)
        else:
            held_out = find_photos(Path(where), classes, read_mapping(config.classes) if config.classes else None)
    except InputError as error:
        raise InputError(f"`tune_on`: {str(error).replace('`data`: ', '').replace('`split`: ', '')}") from error
    files = {(reported.root / photo.path).resolve() for photo in reported.photos}
    both = [photo.path for photo in held_out.photos if (held_out.root / photo.path).resolve() in files]
    if both:
        raise InputError(
            f"`tune_on`: {where}: {len(both)} of its photos are also reported, the first {both[0]}; {_WHY}"
        )
    return held_out


def check_disjoint(held_out: Embedded, reported: Embedded) -> None:
    """Check that no photo held out is a copy of a reported one.

    Raises:
        InputError: one is: their embeddings are equal.
    """
    seen = {row.tobytes() for row in reported.rows}
    copies = [photo.path for photo, row in zip(held_out.photos, held_out.rows, strict=True) if row.tobytes() in seen]
    if copies:
        raise InputError(
            f"`tune_on`: {len(copies)} of its photos are copies of reported ones, the first {copies[0]}; {_WHY}"
        )


def score_of(predictions: pd.DataFrame, in_groups: bool) -> float:
    """What a constant is chosen by, in %: see above.

    Args:
        predictions: a row for each photo, with `class_index`, `group`, `background` and `correct`.
        in_groups: whether a group is a class with an attribute.
    """
    if in_groups:
        table = group_table(predictions)
        return 100.0 * float((table.right / table.photos).min())
    return balanced_accuracy(class_table(predictions), "counter")


def parts_of(indices: np.ndarray) -> list[set[int]]:
    """The classes dealt into parts.

    Raises:
        InputError: there are too few classes.
    """
    classes = sorted(set(indices.tolist()))
    if len(classes) < _PARTS:
        raise InputError(
            f"`tune_on` {CLASSES}: deals the classes into {_PARTS} parts, and there are {len(classes)}; give a folder "
            "or split of other photos"
        )
    return [set(classes[part::_PARTS]) for part in range(_PARTS)]
