"""What a model answers to each photo, and which candidates it finds most similar to a class."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool

from realdata.evaluate.asking import Asking, Scored, go_through
from realdata.evaluate.kept import Kept
from realdata.evaluate.predictions import COLUMNS
from realdata.photos.folders import Photo


class Answers(NamedTuple):
    """What a model says of all photos.

    Attributes:
        predictions: a row for each photo that could be read, in the order of the photos, with the columns `COLUMNS`.
        unreadable: the paths of the others, and why.
    """

    predictions: pd.DataFrame
    unreadable: list[tuple[str, str]]

    def to_frame(self) -> pd.DataFrame:
        """The table of predictions."""
        return self.predictions


def answers(
    asking: Asking,
    photos: Sequence[Photo],
    candidates: Sequence[int],
    allowed: Mapping[int, Bool[np.ndarray, " candidates"]],
    kept: Kept,
) -> Answers:
    """Ask about every photo: the candidate with the highest score.

    Args:
        asking: the model, and how.
        photos: which ones.
        candidates: class indices.
        allowed: class to the candidates that its photos are classified among.
        kept: where unfinished work is kept.

    Raises:
        InputError: as in `go_through`.
    """

    def condense(parts: Sequence[Scored]) -> dict[str, Any]:
        said: dict[str, tuple[int, float]] = {}
        unreadable: dict[str, str] = {}
        for part in parts:
            for photo, scores in zip(part.photos, part.scores, strict=True):
                best = int(np.argmax(scores))
                said[photo.path] = (candidates[best], float(scores[best]))
            unreadable |= {photo.path: reason for photo, reason in part.unreadable}
        return {"said": said, "unreadable": unreadable}

    return joined(photos, go_through(asking, photos, allowed, kept, condense, "photos"))


def joined(photos: Sequence[Photo], pieces: Iterable[Mapping[str, Any]]) -> Answers:
    """Pieces, each with the answers `said` (class index and score, by path) and what is `unreadable`, as one table."""
    said: dict[str, tuple[int, float]] = {}
    reasons: dict[str, str] = {}
    for piece in pieces:
        said |= piece["said"]
        reasons |= piece["unreadable"]
    rows = [
        (*photo, said[photo.path][0], int(said[photo.path][0] == photo.class_index), said[photo.path][1])
        for photo in photos
        if photo.path in said
    ]
    unreadable = [(photo.path, reasons[photo.path]) for photo in photos if photo.path in reasons]
    return Answers(pd.DataFrame(rows, columns=pd.Index(COLUMNS)), unreadable)


def most_similar(
    asking: Asking, photos: Sequence[Photo], candidates: Sequence[int], number: int, kept: Kept
) -> dict[int, list[int]]:
    """The candidates with the highest mean score over a class's photos of both groups, best first (PAPER: 1 vs. 20).

    Args:
        asking: the model, and how.
        photos: which ones.
        candidates: class indices.
        number: how many candidates a class gets.
        kept: where unfinished work is kept.

    Returns:
        Class index to candidates; as in the paper, the class's own is among them only if its score puts it there.
    """
    every = {photo.class_index: np.ones(len(candidates), bool) for photo in photos}

    def condense(parts: Sequence[Scored]) -> dict[str, Any]:
        sums: dict[int, np.ndarray] = {}
        for part in parts:
            for photo, scores in zip(part.photos, part.scores, strict=True):
                sums[photo.class_index] = sums.get(photo.class_index, 0.0) + scores
        return {"sums": {str(index): total.tolist() for index, total in sums.items()}}

    totals = {index: np.zeros(len(candidates)) for index in every}
    for piece in go_through(asking, photos, every, kept, condense, "candidates"):
        for index, total in piece["sums"].items():
            totals[int(index)] += np.asarray(total)
    best = {index: np.argsort(-total, kind="stable")[:number] for index, total in totals.items()}
    return {index: [candidates[place] for place in places] for index, places in best.items()}
