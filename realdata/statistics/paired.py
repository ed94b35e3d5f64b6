"""Two models on the same photos: the difference of their accuracies, with paired intervals."""

from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from realdata.photos.folders import GROUPS
from realdata.statistics.bootstrap import NAMES, Interval, balanced_intervals


def pair(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """The photos that both models answered: a row each, with `correct_a` and `correct_b`.

    Args:
        first: predictions of model A, with `path`, `class_index`, `group` and `correct`.
        second: those of model B.
    """
    keys = ["path", "class_index", "group"]
    return first[[*keys, "correct"]].merge(second[[*keys, "correct"]], on=keys, suffixes=("_a", "_b"))


def paired_intervals(pairs: pd.DataFrame, seed: int = 0) -> dict[str, Interval]:
    """A's accuracy minus B's in points, class-balanced, in both groups, and the difference of the two drops.

    Photos drawn again bring both models' answers with them, so that what makes a photo hard for both cancels.

    Args:
        pairs: as `pair` gives them.
        seed: of the bootstrap.
    """
    counts = _outcomes(pairs)
    values = {group: _difference(counts[group]) for group in GROUPS}

    def draw(
        generator: np.random.Generator, group: str, classes: Int[np.ndarray, "draws classes"]
    ) -> Float[np.ndarray, "draws classes"]:
        chosen = counts[group][classes]
        number = chosen.sum(axis=-1)
        shares = chosen / np.maximum(number, 1)[..., None]
        # Where there are no photos there is nothing to draw; the shares must sum to 1 all the same.
        shares[..., 2] += number == 0
        return _difference(generator.multinomial(number, shares))

    return balanced_intervals(values, draw, seed)


def _outcomes(pairs: pd.DataFrame) -> dict[str, Int[np.ndarray, "classes 3"]]:
    """For each class of a group: photos that only A is right on, only B, and both or neither."""
    classes = sorted(set(pairs.class_index))
    outcome = (pairs.correct_a - pairs.correct_b).map({1: 0, -1: 1, 0: 2})
    found = {}
    for group in GROUPS:
        of_group = pairs.group == group
        table = pd.crosstab(pairs.class_index[of_group], outcome[of_group])
        found[group] = table.reindex(index=classes, columns=[0, 1, 2], fill_value=0).to_numpy(int)
    return found


def _difference(counts: Int[np.ndarray, "*shape 3"]) -> Float[np.ndarray, "*shape"]:
    number = counts.sum(axis=-1)
    return np.where(number > 0, 100.0 * (counts[..., 0] - counts[..., 1]) / np.maximum(number, 1), np.nan)


def comparison(pairs: pd.DataFrame) -> dict[str, Any]:
    """The numbers of a comparison, JSON-ready: differences in points with intervals, and who is right on how many."""
    intervals = paired_intervals(pairs)
    flips = {}
    for group in GROUPS:
        a, b = (pairs.loc[pairs.group == group, f"correct_{letter}"].astype(bool) for letter in "ab")
        flips[group] = {
            "photos": len(a),
            "both_right": int((a & b).sum()),
            "only_a_right": int((a & ~b).sum()),
            "only_b_right": int((b & ~a).sum()),
            "both_wrong": int((~a & ~b).sum()),
        }
    differences = {name: intervals[name].content() for name in NAMES}
    return {"differences": differences, "averages_over": {"differences.value": "classes"}, "photos": flips}
