"""Ties between candidates: how they count, and which candidates are always tied.

The rule: a photo is right if its own class alone has the highest score. In a tie, the answer is the first candidate
that is not the photo's class, so that the order of the candidates never helps a model. The summary also gives the
accuracy if a tie of k candidates with the own class counted 1/k. Scores are tied if they are equal to the last bit.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from realdata.evaluate.predictions import balanced_accuracy, class_table
from workbench.conventions import GROUPS
from workbench.errors import InputError

RULE = "a photo is right if its own class alone has the highest score; a tie is wrong"
# The largest share of candidates that may look the same to a model: ImageNet's own names have up to 3 pairs in 1,000.
_FEW = 0.02
_SHOWN = 5


class Answer(NamedTuple):
    """A model's answer to a photo.

    Attributes:
        place: the answer's place among the candidates.
        score: the answer's score.
        tied: how many candidates have the highest score; 1 without a tie.
        tied_with_own: whether the photo's own class is in the tie.
    """

    place: int
    score: float
    tied: int
    tied_with_own: bool


def answer(scores: Float[np.ndarray, " candidates"], own: int | None) -> Answer:
    """The candidate with the highest score, by the rule above.

    Args:
        scores: the score of each candidate; -inf excludes one.
        own: the place of the photo's class; None if it is not a candidate.
    """
    highest = np.flatnonzero(scores == scores.max()).tolist()
    others = [place for place in highest if place != own]
    place = highest[0] if len(highest) == 1 else others[0]
    tied_with_own = len(highest) > 1 and len(others) < len(highest)
    return Answer(place, float(scores[place]), len(highest), tied_with_own)


def ties_content(predictions: pd.DataFrame) -> dict[str, Any]:
    """Count the ties among predictions, for `summary.json`.

    Args:
        predictions: a row for each photo, with the columns of `realdata.evaluate.predictions`.

    Returns:
        `tie_counts`, and `accuracy_with_shares`: each group's mean over classes in % if ties with the own class counted
        1/k.
    """
    shares = np.where(predictions.tied_with_own == 1, 1.0 / predictions.tied, predictions.correct)
    table = class_table(predictions.assign(correct=shares))
    return {
        **tie_counts(predictions),
        "accuracy_with_shares": {group: balanced_accuracy(table, group) for group in GROUPS},
    }


def tie_counts(predictions: pd.DataFrame) -> dict[str, Any]:
    """The `rule`; `photos`, the number of photos with a tie; `with_own_class`, of ties with the photo's own class."""
    return {
        "rule": RULE,
        "photos": int((predictions.tied > 1).sum()),
        "with_own_class": int(predictions.tied_with_own.sum()),
    }


def tie_notes(predictions: pd.DataFrame) -> list[str]:
    """A note for the user: how many ties there are, and that they count as wrong."""
    tied = predictions[predictions.tied > 1]
    if tied.empty:
        return []
    own = int(tied.tied_with_own.sum())
    return [
        f"{len(tied)} of {len(predictions)} photos have several candidates with the highest score, up to "
        f"{tied.tied.max()} of them, first {tied.path.iloc[0]}; {own} of these have their own class among them, and "
        "count as wrong"
    ]


def check_distinct(description: Mapping[str, Any], names: Mapping[int, str]) -> None:
    """Check that a model can tell nearly all candidates apart.

    Args:
        description: the model's description; see `realdata.models.alike`.
        names: class index to name.

    Raises:
        InputError: over 2% of the candidates, and over 2 of them, look the same to it as another; or all do.
    """
    groups = description.get("indistinguishable", [])
    doubled = sum(map(len, groups))
    if not groups or (doubled <= max(2, _FEW * len(names)) and len(groups[0]) < len(names)):
        return
    first, second = (repr(names[index]) for index in groups[0][:2])
    cut = _cut_note(description)
    raise InputError(
        f"`prompt`: {doubled} of {len(names)} candidates have the same text as another to this model, first {first} "
        f"and {second}, so that its answer among them is arbitrary{f'; {cut}' if cut else ''}"
    )


def alike_notes(description: Mapping[str, Any], names: Mapping[int, str], predictions: pd.DataFrame) -> list[str]:
    """Notes for the user on texts that were cut, and on candidates that the model cannot tell apart."""
    notes = [cut] if (cut := _cut_note(description)) else []
    groups: Sequence[Sequence[int]] = description.get("indistinguishable", [])
    for group in groups[:_SHOWN]:
        listed = " and ".join(f"{names[index]!r} ({index})" for index in group)
        own, given = (int(predictions[column].isin(group).sum()) for column in ("class_index", "predicted_index"))
        notes.append(
            f"{listed} are the same text to this model: {own} photos show these classes, and {given} get these labels"
        )
    if len(groups) > _SHOWN:
        notes.append(f"and {len(groups) - _SHOWN} more groups of candidates that are the same text to this model")
    return notes


def _cut_note(description: Mapping[str, Any]) -> str:
    """How many prompts were cut, in words; empty if none was."""
    cut, number = description.get("prompts_cut", 0), description.get("prompts", 0)
    return f"{cut} of {number} prompts are too long for the text tower, and are cut at the end" if cut else ""
