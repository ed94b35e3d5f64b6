"""The closed forms that figures of statements draw as lines: files of named arrays, computed once and saved."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from paper_figs.saved_result import closed_forms, command
from workbench.errors import InputError
from workbench.results import read_json

_DIGITS = 8  # significant; a line is drawn with four


class Curves(Mapping[str, np.ndarray]):
    """Named arrays; where there is no number, as where an optimum was not found, NaN."""

    def __init__(self, arrays: Mapping[str, ArrayLike], source: str = "these curves") -> None:
        self._arrays = {name: np.asarray(values, float) for name, values in arrays.items()}
        self._source = source  # the file and how to make it again, as the start and the end of a message

    def __getitem__(self, name: str) -> np.ndarray:
        """The array of this name.

        Raises:
            InputError: there is none.
        """
        if name not in self._arrays:
            file, _, remedy = self._source.partition("; ")
            raise InputError(f"{file} is of another version, it lacks the curve {name!r}{remedy and '; '}{remedy}")
        return self._arrays[name]

    def __contains__(self, name: object) -> bool:
        return name in self._arrays

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)


def to_lists(arrays: Mapping[str, ArrayLike]) -> dict[str, Any]:
    """Arrays as nested lists for JSON, rounded to eight significant digits; null where there is no number."""
    return {name: _rounded(np.asarray(values, float)) for name, values in arrays.items()}


def _rounded(values: np.ndarray) -> Any:
    if values.ndim:
        return [_rounded(np.asarray(row)) for row in values]
    return float(f"{values:.{_DIGITS}g}") if np.isfinite(values) else None


def load_curves(folder: Path, name: str) -> Curves:
    """The curves of the statement with this name, from `curves/NAME.json` in the folder, or as shipped.

    Raises:
        InputError: there is no such file, or it does not hold arrays of numbers of this statement.
    """
    saved = closed_forms(name)
    file = saved.folder(folder) / saved.files[0]
    remedy = f"make it with: {command([saved], folder)}"
    content = read_json(file, "curves of a statement", remedy, ("name", "curves"))
    arrays = content["curves"]
    if content["name"] != name or not isinstance(arrays, dict):
        raise InputError(f"{file} holds no curves of {name}; {remedy}")
    try:
        return Curves({key: np.asarray(values, float) for key, values in arrays.items()}, f"{file}; {remedy}")
    except (TypeError, ValueError) as error:
        raise InputError(f"{file} holds no curves of {name}: an array is no table of numbers; {remedy}") from error
