"""Candidates that a model cannot tell apart, since it is given the same texts for them, or makes the same of them.

Each one's score is then the first one's, to the last bit: batches and kernels could make two of it.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Int, Shaped

from realdata.models.model import Question
from workbench.errors import RunError


def first_alike(keys: Iterable[Hashable]) -> Int[np.ndarray, " candidates"]:
    """The place of the first candidate with the same key, for each: its own, if there is none before it.

    Args:
        keys: what stands for each candidate, such as its tokens.
    """
    places: dict[Hashable, int] = {}
    return np.array([places.setdefault(key, place) for place, key in enumerate(keys)], int)


def first_alike_rows(
    tokens: Shaped[np.ndarray, "candidates length"], embeddings: Shaped[np.ndarray, "candidates embed_dim"]
) -> Int[np.ndarray, " candidates"]:
    """The same, of candidates with equal tokens or equal embeddings.

    Args:
        tokens: of all of a candidate's texts, one behind the other.
        embeddings: of the candidates.
    """
    # Of equal tokens one embedding, since those of two batches may differ in the last bit; zero has two signs.
    same = embeddings[first_alike(row.tobytes() for row in tokens)] + 0.0
    return first_alike(row.tobytes() for row in same)


def alike_description(question: Question, firsts: Int[np.ndarray, " candidates"]) -> dict[str, Any]:
    """What a model's description says of it: `indistinguishable`, groups of class indices, the largest first.

    Args:
        question: the candidates.
        firsts: as `first_alike` gives it.
    """
    groups: dict[int, list[int]] = {}
    for place, first in enumerate(firsts.tolist()):
        groups.setdefault(first, []).append(question.indices[place])
    several = [group for group in groups.values() if len(group) > 1]
    return {"indistinguishable": sorted(several, key=lambda group: -len(group))}


def check_embeddings(embeddings: Shaped[np.ndarray, "texts embed_dim"], texts: Sequence[str], dtype: str) -> None:
    """Whether the embeddings of some texts have a direction: a length that overflows leaves 0 or NaN of them.

    Args:
        embeddings: of the texts, or of the candidates that they are of, in order.
        texts: as they were given to the tokenizer, or the candidates' names.
        dtype: that the model computes in.

    Raises:
        RunError: one is 0 or not finite; the message has its text.
    """
    bad = ~np.isfinite(embeddings).all(axis=1) | ~embeddings.any(axis=1)
    if bad.any():
        raise RunError(
            f"the text tower's embedding of {texts[int(bad.argmax())]!r} is not finite, or 0, as are {int(bad.sum())} "
            f"of {len(texts)}{overflow(dtype)}"
        )


def overflow(dtype: object) -> str:
    """What may help where numbers are not finite."""
    return "; in bfloat16 numbers may overflow, `dtype` float32 holds them" if dtype == "bfloat16" else ""
