"""The other end of the loop: what `realdata.evaluate --repair` found on an export's photos, beside the same CLIP here.

`python -m sims.colored_digits export` trains the CLIP of one seed and one kind of captions, and writes it and the same
test digits as files. So the evaluation of these files must find what is simulated here, photo by photo.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sims.repairs.digits.config import DigitsRepairConfig
from sims.repairs.digits.shares import MOMENTS, Shares, by_place
from theory.repair_rules import PLAIN
from workbench.conventions import GROUPS
from workbench.errors import InputError
from workbench.results import read_json

_CLOSE = 0.005  # of an accuracy: one photo in 200 that rounding decides
_REMEDY = "make it with: python -m realdata.evaluate --repair on what python -m sims.colored_digits export writes"


class Found(NamedTuple):
    """What an evaluation says of a repair and a group: accuracy, change and the ends of its interval, as shares."""

    accuracy: float
    change: float
    low: float
    high: float


Evaluated = dict[str, dict[str, Found]]  # by repair, then by group


def read_evaluated(file: Path) -> Evaluated:
    """The repairs of a `summary.json`.

    Raises:
        InputError: the file is missing, or holds no repairs of common and counter photos.
    """
    content = read_json(file, "evaluation with repairs", _REMEDY, ("repairs",))
    try:
        return {
            str(name): {group: _found(found["groups"][group]) for group in GROUPS}
            for name, found in content["repairs"]["each"].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise InputError(f"{file}: holds no repairs of {' and '.join(GROUPS)} photos; {_REMEDY}") from error


def _found(group: Mapping[str, Any]) -> Found:
    change = group["change"]
    low, high = change["interval"]
    return Found(*(float(value) / 100.0 for value in (group["accuracy"], change["value"], low, high)))


def beside(file: Path, each: Evaluated, config: DigitsRepairConfig, shares: Mapping[float, Shares]) -> dict[str, Any]:
    """The evaluation beside the CLIP that it is of, JSON-ready; changes as shares of 1.

    Args:
        file: where the evaluation was read, for messages.
        each: its repairs.
        config: what was run here.
        shares: what was found here, with a leading axis for the CLIPs.

    Returns:
        `mention_spu` and `seed` of the CLIP, and `results`: a row for each repair with, for each group, the `change`
        and its `interval` there, `simulated`, and `predicted` by moments.

    Raises:
        InputError: it has none of the repairs, or is of no CLIP here: the plain prompt's accuracies differ.
    """
    names = (PLAIN, *config.repair)
    common = [name for name in config.repair if name in each]
    if not common:
        raise InputError(f"`evaluated`: {file} has none of the repairs {', '.join(config.repair)}")
    first = each[common[0]]
    plain = [first[group].accuracy - first[group].change for group in GROUPS]
    gaps = {
        (mention, at): float(np.abs(by_place(found.right[at, 0])[: len(GROUPS)] - plain).max())
        for mention, found in shares.items()
        for at in range(config.seeds)
    }
    (mention, at), gap = min(gaps.items(), key=lambda pair: pair[1])
    if gap > _CLOSE:
        shown = ", ".join(f"{100 * value:.1f}% of {group}" for value, group in zip(plain, GROUPS, strict=True))
        raise InputError(
            f"`evaluated`: {file}: its plain prompt is right on {shown} photos, and no CLIP of this run is; export all "
            "photos, with the same `steps` and classes, one of the seeds and one of the captions"
        )
    found = shares[mention]
    rows = []
    for name in common:
        place = names.index(name)
        moved = by_place(found.right[at, place]) - by_place(found.right[at, 0])
        expected = by_place(found.predicted[at, :, place]) - by_place(found.predicted[at, :, 0])
        row: dict[str, Any] = {"repair": name}
        for column, group in enumerate(GROUPS):
            there = each[name][group]
            row[group] = {
                "change": there.change,
                "interval": [there.low, there.high],
                "simulated": float(moved[column]),
                "predicted": dict(zip(MOMENTS, expected[:, column].tolist(), strict=True)),
            }
        rows.append(row)
    return {"mention_spu": mention, "seed": config.seed + at, "results": rows}
