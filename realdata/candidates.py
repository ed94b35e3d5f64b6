"""Among which labels a photo is classified: all of them (1 vs. 1000), or its class's 20 (1 vs. 20)."""

import numpy as np
from jaxtyping import Bool, Int

from published.tables import DIRECTORY, read_table
from workbench.errors import InputError

ALL, TWENTY = "1v1000", "1v20"


def allowed_candidates(
    setup: str, candidates: Int[np.ndarray, " candidates"], classes: Int[np.ndarray, " classes"]
) -> Bool[np.ndarray, "classes candidates"]:
    """Which candidates a photo of each class is classified among.

    Args:
        setup: `1v1000`, all of them; or `1v20`, the published lists of CLIP-LAION400M-ViT-B/32.
        candidates: the indices of all candidates.
        classes: the indices of the photos' classes.

    Raises:
        InputError: there is no list for a class, or it names a candidate that is none.
    """
    if setup == ALL:
        return np.ones((len(classes), len(candidates)), bool)
    index = (0.0, 999.0)
    table = read_table(DIRECTORY / "candidates_1v20.csv", {"imagenet_index": index, "candidate_index": index})
    owners, listed = (table[column].to_numpy(int) for column in ("imagenet_index", "candidate_index"))
    lists = {int(owner): listed[owners == owner] for owner in np.unique(owners)}
    if missing := sorted(set(classes.tolist()) - lists.keys()):
        raise InputError(f"--setup {TWENTY}: there is no published list for the class {missing[0]}; use {ALL}")
    allowed = np.stack([np.isin(candidates, lists[int(each)]) for each in classes])
    short = allowed.sum(axis=1) < [len(lists[int(each)]) for each in classes]
    if short.any():
        raise InputError(
            f"--setup {TWENTY}: the list of the class {classes[short][0]} names classes that --names lacks"
        )
    return allowed
