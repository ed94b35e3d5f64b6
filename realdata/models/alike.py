"""Candidates that a model cannot tell apart, since their texts or their embeddings are equal.

All of them get the score of the first, so that they are equal to the last bit. Computed one by one, they could differ
by rounding, since batches and kernels differ.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Int, Shaped

from realdata.models.model import Question
from workbench.errors import RunError


def first_alike(keys: Iterable[Hashable]) -> Int[np.ndarray, " candidates"]:
    """For each candidate, the place of the first candidate with the same key, which may be its own place.

    Args:
        keys: a key for each candidate, such as its tokens.
    """
    places: dict[Hashable, int] = {}
    return np.array([places.setdefault(key, place) for place, key in enumerate(keys)], int)


def first_alike_rows(
    tokens: Shaped[np.ndarray, "candidates length"], embeddings: Shaped[np.ndarray, "candidates embed_dim"]
) -> Int[np.ndarray, " candidates"]:
    """For each candidate, the place of the first with equal tokens or an equal embedding, which may be its own place.

    Args:
        tokens: the tokens of all of a candidate's texts, in one row.
        embeddings: the candidates' embeddings.
    """
    # Equal tokens share one embedding: two batches may differ in the last bit. Adding 0 turns -0 into 0.
    same = embeddings[first_alike(row.tobytes() for row in tokens)] + 0.0
    return first_alike(row.tobytes() for row in same)


def alike_description(question: Question, firsts: Int[np.ndarray, " candidates"]) -> dict[str, Any]:
    """The part of a model's description about this: `indistinguishable`, groups of class indices, largest first.

    Args:
        question: the candidates.
        firsts: what `first_alike` returns.
    """
    groups: dict[int, list[int]] = {}
    for place, first in enumerate(firsts.tolist()):
        groups.setdefault(first, []).append(question.indices[place])
    several = [group for group in groups.values() if len(group) > 1]
    return {"indistinguishable": sorted(several, key=lambda group: -len(group))}


def check_embeddings(embeddings: Shaped[np.ndarray, "texts embed_dim"], texts: Sequence[str], dtype: str) -> None:
    """Check that every embedding has a direction: where a length overflows, the embedding becomes 0 or NaN.

    Args:
        embeddings: the embeddings of the texts.
        texts: the texts, in the same order, for the message.
        dtype: the model's floating-point type.

    Raises:
        RunError: an embedding is 0 or not finite; the message names its text.
    """
    bad = ~np.isfinite(embeddings).all(axis=1) | ~embeddings.any(axis=1)
    if bad.any():
        raise RunError(
            f"the text tower's embedding of {texts[int(bad.argmax())]!r} is not finite, or 0, as are {int(bad.sum())} "
            f"of {len(texts)}{overflow_hint(dtype)}"
        )


def overflow_hint(dtype: object) -> str:
    """Advice for the end of a message about numbers that are not finite; empty unless the type is bfloat16."""
    return "; in bfloat16 numbers may overflow, `dtype` float32 holds them" if dtype == "bfloat16" else ""
