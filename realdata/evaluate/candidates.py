"""Among which labels a photo is classified: all of them (1 vs. 1000), or its class's 20 (1 vs. 20)."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Int

from published.tables import DIRECTORY, read_table
from workbench.errors import InputError

ALL, TWENTY = "1v1000", "1v20"
NUMBER = 20  # of candidates, in the second


def published_lists() -> dict[int, list[int]]:
    """Class index to candidates, best first: those of CLIP-LAION400M-ViT-B/32."""
    index = (0, 999)
    table = read_table(DIRECTORY / "candidates_1v20.csv", {"imagenet_index": index, "candidate_index": index})
    lists: dict[int, list[int]] = {}
    for owner, candidate in zip(table["imagenet_index"], table["candidate_index"], strict=True):
        lists.setdefault(int(owner), []).append(int(candidate))
    return lists


def allowed_candidates(
    lists: Mapping[int, Sequence[int]] | None,
    candidates: Int[np.ndarray, " candidates"],
    classes: Int[np.ndarray, " classes"],
) -> Bool[np.ndarray, "classes candidates"]:
    """Which candidates a photo of each class is classified among.

    Args:
        lists: class index to candidates; None for all of them.
        candidates: the indices of all candidates.
        classes: the indices of the photos' classes.

    Raises:
        InputError: there is no list for a class, or it names a candidate that is none.
    """
    if lists is None:
        return np.ones((len(classes), len(candidates)), bool)
    if missing := sorted(set(classes.tolist()) - lists.keys()):
        raise InputError(
            f"`setup` {TWENTY}: there is no published list for the class {missing[0]}; use {ALL}, or `candidates_from`"
        )
    allowed = np.stack([np.isin(candidates, lists[int(each)]) for each in classes])
    short = allowed.sum(axis=1) < [len(lists[int(each)]) for each in classes]
    if short.any():
        raise InputError(
            f"`setup` {TWENTY}: the list of the class {classes[short][0]} names classes that `names` lacks"
        )
    return allowed
