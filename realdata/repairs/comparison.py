"""A repair against the plain prompt on the same photos: accuracies, and paired intervals of the change.

Where photos are common and counter, the changes are those of `realdata.statistics.bootstrap`. Where a group is a class
with an attribute, a group's change has Bonett and Price's interval for paired proportions (2012, doi
10.3102/1076998611411915): one photo is added to those that only the repair, and one to those that only the plain prompt
gets right, so that it has width also where no answer changed. An average's standard error is the root of the sum of
its parts' squares. The worst group's change is that of the least accuracy, whichever group has it before and after,
with a bootstrap over photos within groups, in which a photo keeps both of its answers.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Int

from realdata.evaluate.groups import group_table, group_weights
from realdata.evaluate.predictions import balanced_accuracy, class_table
from realdata.photos.folders import DataSet
from realdata.statistics.bootstrap import DRAWS, pair, paired_intervals
from workbench.conventions import GROUPS, PERCENTILES_95, Z95


def compare(
    plain: pd.DataFrame, repaired: pd.DataFrame, data: DataSet, in_groups: bool, seed: int = 0
) -> dict[str, Any]:
    """What a repair changes, ready for JSON; accuracies in %, changes in points, repaired minus plain.

    Args:
        plain: the plain prompt's predictions, a row for each photo, with `path`, `class_index`, `background`, `group`
            and `correct`.
        repaired: the repair's predictions of the same photos.
        data: the data set, for the weights of groups.
        in_groups: whether a group is a class with an attribute.
        seed: of the bootstrap.

    Returns:
        `groups`, each with `accuracy` and `change`; `drop` or `average`; `worst_group`, a class on a background, with
        `accuracy` and `change`; and on how many photos only one of both is right.
    """
    found = _of_groups(plain, repaired, data) if in_groups else _of_counter(plain, repaired, seed)
    counts = _outcomes(plain, repaired)
    return found | {
        "worst_group": _worst(counts, seed),
        "only_repair_right": int(counts["only_repair"].sum()),
        "only_plain_right": int(counts["only_plain"].sum()),
    }


def _of_counter(plain: pd.DataFrame, repaired: pd.DataFrame, seed: int) -> dict[str, Any]:
    intervals = paired_intervals(pair(repaired, plain), seed)
    table = class_table(repaired)
    accuracies = {group: balanced_accuracy(table, group) for group in GROUPS}
    groups = {group: {"accuracy": accuracies[group], "change": intervals[group].content()} for group in GROUPS}
    drop = {"value": accuracies["common"] - accuracies["counter"], "change": intervals["drop"].content()}
    return {"groups": groups, "drop": drop}


def _of_groups(plain: pd.DataFrame, repaired: pd.DataFrame, data: DataSet) -> dict[str, Any]:
    table = group_table(repaired)
    shares = 100.0 * (table.right / table.photos).to_numpy()
    counts = _outcomes(plain, repaired).groupby(level="group").sum().loc[table.index]
    change, centre, error = _paired(counts)
    names = list(map(str, table.index))
    groups = {
        name: {"accuracy": float(shares[place]), "change": _content(change[place], centre[place], error[place])}
        for place, name in enumerate(names)
    }
    average = {
        weighting: None
        if weights is None
        else {
            "value": float(weights @ shares),
            "change": _content(weights @ change, weights @ centre, float(np.linalg.norm(weights * error))),
        }
        for weighting, weights in group_weights(names, table.photos.to_numpy(int), data).items()
    }
    return {"groups": groups, "average": average}


def _content(value: float, centre: float, error: float) -> dict[str, Any]:
    return {"value": float(value), "interval": [float(centre - Z95 * error), float(centre + Z95 * error)]}


def _outcomes(plain: pd.DataFrame, repaired: pd.DataFrame) -> pd.DataFrame:
    """For each class on a background, the numbers of photos by who is right: `both`, `only_repair` and so on."""
    keys = ["path", "class_index", "background", "group"]
    pairs = plain[[*keys, "correct"]].merge(repaired[[*keys, "correct"]], on=keys, suffixes=("_plain", "_repair"))
    a, b = pairs.correct_repair == 1, pairs.correct_plain == 1
    marks = {"both": a & b, "only_repair": a & ~b, "only_plain": b & ~a, "neither": ~a & ~b}
    return pairs.assign(**marks).groupby(["class_index", "background", "group"])[list(marks)].sum()


def _paired(counts: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each group's change in points, and the centre and standard error of Bonett and Price's interval."""
    number = counts.sum(axis=1).to_numpy(float)
    gained, lost = (counts[name].to_numpy(float) for name in ("only_repair", "only_plain"))
    one, other = (gained + 1) / (number + 2), (lost + 1) / (number + 2)
    error = np.sqrt((one + other - (one - other) ** 2) / (number + 2))
    return 100.0 * (gained - lost) / number, 100.0 * (one - other), 100.0 * error


def _worst(counts: pd.DataFrame, seed: int) -> dict[str, Any]:
    array = counts[["both", "only_repair", "only_plain", "neither"]].to_numpy(int)
    number = array.sum(axis=1)
    shares = _shares(array)
    place = int(shares[0].argmin())
    index, background, group = counts.index[place]
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(number, array / number[:, None], size=(DRAWS, len(number)))
    after, before = (each.min(axis=-1) for each in _shares(drawn))
    low, high = np.percentile(after - before, PERCENTILES_95)
    return {
        "class_index": int(index),
        "background": str(background),
        "group": str(group),
        "photos": int(number[place]),
        "accuracy": float(shares[0][place]),
        "change": {"value": float(shares[0].min() - shares[1].min()), "interval": [float(low), float(high)]},
    }


def _shares(counts: Int[np.ndarray, "*draws cells 4"]) -> tuple[np.ndarray, np.ndarray]:
    """The accuracy of the repair and of the plain prompt in each cell, in %."""
    number = counts.sum(axis=-1)
    return tuple(100.0 * (counts[..., 0] + counts[..., one]) / number for one in (1, 2))


def summary_of(each: Mapping[str, pd.DataFrame], data: DataSet, in_groups: bool) -> dict[str, Any]:
    """`compare` for every rule, by name; the plain prompt's own changes are 0 and left out.

    Args:
        each: rule to predictions, `plain` among them.
        data: the data set.
        in_groups: whether a group is a class with an attribute.
    """
    plain = each["plain"]
    return {name: compare(plain, found, data, in_groups) for name, found in each.items() if name != "plain"}
