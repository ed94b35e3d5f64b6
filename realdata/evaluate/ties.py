"""Candidates that a photo or a model cannot tell apart: how a tie counts, and which candidates are always tied.

The rule: a photo is right if its own class alone has the highest score. Of several such, the answer is the first that
is not its own class, so that no order of the candidates makes a model right; what shares would give, 1/k for a tie of k
with the own class among them, is told beside it. Scores are tied where they are equal to the last bit.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from realdata.evaluate.predictions import class_table
from workbench.conventions import GROUPS
from workbench.errors import InputError

RULE = "a photo is right if its own class alone has the highest score; a tie is wrong"
# More candidates with a double than this share are no few: ImageNet's own names have up to three pairs in 1,000.
_FEW = 0.02
_SHOWN = 5


class Answer(NamedTuple):
    """What a model says of a photo.

    Attributes:
        place: of the answer among the candidates.
        score: of it.
        tied: how many candidates have the highest score; 1 where there is no tie.
        tied_with_own: whether there is a tie with the photo's own class in it.
    """

    place: int
    score: float
    tied: int
    tied_with_own: bool


def answer(scores: Float[np.ndarray, " candidates"], own: int | None) -> Answer:
    """The candidate with the highest score, by the rule above.

    Args:
        scores: of each candidate; -inf for none.
        own: the place of the photo's class; None where it is no candidate.
    """
    highest = np.flatnonzero(scores == scores.max()).tolist()
    others = [place for place in highest if place != own]
    place = highest[0] if len(highest) == 1 else others[0]
    tied_with_own = len(highest) > 1 and len(others) < len(highest)
    return Answer(place, float(scores[place]), len(highest), tied_with_own)


def ties_content(predictions: pd.DataFrame) -> dict[str, Any]:
    """The ties among predictions, as `summary.json` holds them.

    Args:
        predictions: a row for each photo, with the columns of `realdata.evaluate.predictions`.

    Returns:
        `rule`; `photos`, how many have a tie; `with_own_class`, how many of these have their own class in it; and
        `accuracy_with_shares`: each group's mean over classes in %, had these counted 1/k.
    """
    shares = np.where(predictions.tied_with_own == 1, 1.0 / predictions.tied, predictions.correct)
    table = class_table(predictions.assign(correct=shares))
    there = {group: table[table[group] > 0] for group in GROUPS}
    return {
        "rule": RULE,
        "photos": int((predictions.tied > 1).sum()),
        "with_own_class": int(predictions.tied_with_own.sum()),
        "accuracy_with_shares": {
            group: 100.0 * float((rows[f"{group}_right"] / rows[group]).mean()) for group, rows in there.items()
        },
    }


def tie_notes(predictions: pd.DataFrame) -> list[str]:
    """What a person should know of ties: how many, and that they are wrong."""
    tied = predictions[predictions.tied > 1]
    if tied.empty:
        return []
    own = int(tied.tied_with_own.sum())
    return [
        f"{len(tied)} of {len(predictions)} photos have several candidates with the highest score, up to "
        f"{tied.tied.max()} of them, first {tied.path.iloc[0]}; {own} of these have their own class among them, and "
        "count as wrong"
    ]


def check_apart(description: Mapping[str, Any], names: Mapping[int, str]) -> None:
    """Whether a model can tell all candidates apart, but for a few.

    Args:
        description: the model's; see `realdata.models.alike`.
        names: of the candidates, by index.

    Raises:
        InputError: more than a few have a double: over 2%, and over 2 candidates; or all are the same.
    """
    groups = description.get("indistinguishable", [])
    doubled = sum(map(len, groups))
    if not groups or (doubled <= max(2, _FEW * len(names)) and len(groups[0]) < len(names)):
        return
    first, second = (repr(names[index]) for index in groups[0][:2])
    cut = _cut(description)
    raise InputError(
        f"`prompt`: {doubled} of {len(names)} candidates have the same text as another to this model, first {first} "
        f"and {second}, so that its answer among them means nothing{f'; {cut}' if cut else ''}"
    )


def alike_notes(description: Mapping[str, Any], names: Mapping[int, str], predictions: pd.DataFrame) -> list[str]:
    """What a person should know of a model's texts: those that were cut, and candidates that it cannot tell apart."""
    notes = [cut] if (cut := _cut(description)) else []
    groups: Sequence[Sequence[int]] = description.get("indistinguishable", [])
    for group in groups[:_SHOWN]:
        said = " and ".join(f"{names[index]!r} ({index})" for index in group)
        own, given = (int(predictions[column].isin(group).sum()) for column in ("class_index", "predicted_index"))
        notes.append(
            f"{said} are the same text to this model: {own} photos are of these classes, and {given} are taken for them"
        )
    if len(groups) > _SHOWN:
        notes.append(f"and {len(groups) - _SHOWN} more groups of candidates that are the same text to this model")
    return notes


def _cut(description: Mapping[str, Any]) -> str:
    """How many prompts were cut, in words; nothing where none was."""
    cut, number = description.get("prompts_cut", 0), description.get("prompts", 0)
    return f"{cut} of {number} prompts are longer than the text tower reads, and are cut at the end" if cut else ""
