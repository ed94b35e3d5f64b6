"""The answers that a rule gives to embedded photos, and what they cost."""

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from realdata.evaluate.scoring import Answers, join_pieces
from realdata.evaluate.ties import Answer, answer
from realdata.repairs.embeddings import Embedded
from theory.repair_rules import Scores
from workbench.errors import RunError

_BATCH = 256  # photos: perception makes a number for each of them, each candidate and each background


class Choice(NamedTuple):
    """What photos are answered among.

    Attributes:
        candidates: the candidates' class indices.
        allowed: class index to a mask of its photos' candidates.
        firsts: for each candidate, the first one that the model cannot tell from it.
    """

    candidates: Sequence[int]
    allowed: Mapping[int, Bool[np.ndarray, " candidates"]]
    firsts: Int[np.ndarray, " candidates"]


class Timed(NamedTuple):
    """The answers of a rule, and how many photos a second its scores took, embedding not included."""

    answers: Answers
    rate: float


def answers_of(name: str, rule: Scores, embedded: Embedded, choice: Choice) -> Timed:
    """Answer all photos by a rule, ties as everywhere (`realdata.evaluate.ties`).

    Args:
        name: the rule's, for the message.
        rule: gives scores.
        embedded: the photos.
        choice: the candidates.

    Raises:
        RunError: a score is NaN.
    """
    photos, rows = embedded.photos, embedded.rows
    size = min(_BATCH, max(len(photos), 1))
    padded = np.pad(rows, ((0, -len(rows) % size), (0, 0)))  # one shape, compiled once
    np.asarray(rule(padded[:size]))  # compiles
    places = {index: place for place, index in enumerate(choice.candidates)}
    found: dict[str, Answer] = {}
    seconds = 0.0
    for start in range(0, len(photos), size):
        begin = time.perf_counter()
        scores = np.asarray(rule(padded[start : start + size]))[:, choice.firsts]
        seconds += time.perf_counter() - begin
        for photo, row in zip(photos[start : start + size], scores, strict=False):
            own = np.where(choice.allowed[photo.class_index], np.asarray(row, float), -np.inf)
            if np.isnan(own).any():
                raise RunError(f"the scores of {photo.path} after {name} are not numbers")
            found[photo.path] = answer(own, places.get(photo.class_index))
    pieces = [{"answers": found, "unreadable": dict(embedded.unreadable)}]
    return Timed(join_pieces(photos, choice.candidates, pieces), len(photos) / max(seconds, 1e-9))
