"""Results that were made again, against the shipped ones: which numbers differ by more than their standard error."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from paper_figs.saved_result import (
    DIGITS_REPAIRS,
    DIGITS_TABLE,
    MAIN_JOB,
    REPAIRS,
    SHIPPED,
    VERDICT_MAP,
    SavedResult,
    closed_forms,
)
from workbench.errors import InputError

# Rounding of single precision, which no standard error covers: closed forms have none.
_ROUNDING = 1e-5


class Measured(NamedTuple):
    """A number of a result with its standard error; 0 for a closed form. None where there is no number."""

    value: float | None
    standard_error: float


class Difference(NamedTuple):
    """What a result that was made again says beside the shipped one.

    Attributes:
        numbers: how many both hold.
        beyond: places of those that differ by more than the shipped one's standard error, the largest distance first.
        largest: that distance, in standard errors; 0 where none is beyond.
        only: places of numbers that one of the two lacks.
        parameters: names of those that the two were not made with alike.
    """

    numbers: int
    beyond: tuple[str, ...]
    largest: float
    only: tuple[str, ...]
    parameters: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What was found, in a sentence without its subject and full stop."""
        if self.parameters:
            return f"was made with other parameters than the shipped one: {', '.join(self.parameters)}"
        if self.only:
            return f"holds other numbers than the shipped one, first {self.only[0]}"
        if not self.beyond:
            return f"all of {self.numbers} numbers are within their standard error of the shipped ones"
        return (
            f"{len(self.beyond)} of {self.numbers} numbers differ from the shipped ones by more than their standard "
            f"error; most, by {self.largest:.1f} of them, {self.beyond[0]}"
        )


def compare_with_shipped(result: SavedResult, results: Path) -> Difference:
    """Compare a result in a folder of results with the shipped one.

    Raises:
        InputError: one of them cannot be read, or holds something else.
    """
    made, shipped = (_read(result, folder) for folder in (results, SHIPPED))
    parameters = _differing(*(_load(result, folder) for folder in (results, SHIPPED)))
    distances = {}
    for place in made.keys() & shipped.keys():
        ours, theirs = made[place], shipped[place]
        if ours.value is None or theirs.value is None:
            distances[place] = 0.0 if ours.value is theirs.value else float("inf")
            continue
        error = max(theirs.standard_error, _ROUNDING * max(1.0, abs(theirs.value)))
        distances[place] = abs(ours.value - theirs.value) / error
    beyond = sorted((place for place in distances if distances[place] > 1.0), key=lambda place: -distances[place])
    only = tuple(sorted(made.keys() ^ shipped.keys()))
    return Difference(len(distances), tuple(beyond), distances[beyond[0]] if beyond else 0.0, only, parameters)


def _load(result: SavedResult, folder: Path) -> dict[str, Any]:
    file = folder / result.files[0]
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read as a result") from error
    if not isinstance(content, dict):
        raise InputError(f"{file}: cannot be read as a result")
    return content


def _differing(made: Mapping[str, Any], shipped: Mapping[str, Any]) -> tuple[str, ...]:
    """Parameters, at the top or within the configuration or the model, that differ."""
    names: list[str] = [name for name in ("seed", "mention_inv", "mention_spu") if made.get(name) != shipped.get(name)]
    for part in ("config", "model"):
        ours, theirs = made.get(part) or {}, shipped.get(part) or {}
        names += [name for name in {**theirs, **ours} if ours.get(name) != theirs.get(name)]
    return tuple(names)


def _read(result: SavedResult, folder: Path) -> dict[str, Measured]:
    readers = {
        MAIN_JOB: _of_main_job,
        VERDICT_MAP: _of_map,
        DIGITS_TABLE: _of_digits,
        REPAIRS: _of_repairs,
        DIGITS_REPAIRS: _of_digits_repairs,
    }
    of_others = _of_curves if result.module == closed_forms("").module else _of_statement
    read = {known.files: reader for known, reader in readers.items()}.get(result.files, of_others)
    try:
        return dict(read(_load(result, folder)))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise InputError(f"{folder / result.files[0]}: cannot be read as a result of this version") from error


def _of_main_job(content: Mapping[str, Any]) -> Iterator[tuple[str, Measured]]:
    for row in content["results"]:
        for group, value in row["accuracy"].items():
            prompt = f", {row['prompt']} prompt" if row["prompt"] else ""
            yield f"{row['learner']}{prompt}, {group}", Measured(value, row["stderr"][group])


def _of_map(content: Mapping[str, Any]) -> Iterator[tuple[str, Measured]]:
    for row in content["map"]:
        for group in ("conflicting", "aligned"):
            yield f"{row['learner']}, {row['caption']}, {row['prompt']}, {group}", Measured(row[group], 0.0)


def _of_digits(content: Mapping[str, Any]) -> Iterator[tuple[str, Measured]]:
    runs = content["config"]["seeds"]
    for row in content["rows"]:
        for cells in row["results"]:
            for key in (key for key in cells if key.endswith("_mean")):
                group = key.removesuffix("_mean")
                place = f"{row['classes']} digits, {row['p_inv']:g}, {row['p_spu']:g}, {cells['objective']}, {group}"
                yield place, Measured(cells[key], (cells[f"{group}_std"] or 0.0) / runs**0.5)


def _of_repairs(content: Mapping[str, Any]) -> Iterator[tuple[str, Measured]]:
    for row in content["results"]:
        for group, value in row["accuracy"].items():
            yield f"{row['learner']}, {row['repair']}, {group}", Measured(value, row["stderr"][group])


def _of_digits_repairs(content: Mapping[str, Any]) -> Iterator[tuple[str, Measured]]:
    for row in content["results"]:
        for place, value in row["accuracy"].items():
            yield f"{row['mention_spu']:g}, {row['repair']}, {place}", Measured(value, row["stderr"][place])


def _of_curves(content: Mapping[str, Any]) -> Iterator[tuple[str, Measured]]:
    for name, rows in content["curves"].items():
        for place, value in np.ndenumerate(np.array(rows, dtype=object)):
            yield f"{name}, number {', '.join(str(index + 1) for index in place)}", Measured(value, 0.0)


def _of_statement(content: Mapping[str, Any]) -> Iterator[tuple[str, Measured]]:
    for panel, rows in content["panels"].items():
        for name, points in rows.items():
            for x, mean, error in zip(points["x"], points["mean"], points["standard_error"], strict=True):
                yield f"{panel}, {name}, at {x:g}", Measured(mean, error)
