"""The measurements of a statement's simulation: points with standard errors, by panel and series."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Num

from workbench.errors import InputError


class Points(NamedTuple):
    """Means over independent draws; three arrays of one shape (points,)."""

    x: np.ndarray
    mean: np.ndarray
    standard_error: np.ndarray


# A row of numbers, or an array, of JAX too.
Numbers: TypeAlias = Sequence[float] | Sequence[int] | Num[Any, "..."]
# Panel to the names of its series.
Panels: TypeAlias = Mapping[str, tuple[str, ...]]
# Panel to series to points.
Evidence: TypeAlias = dict[str, dict[str, Points]]


def from_draws(x: Numbers, draws: Numbers) -> Points:
    """Mean and standard error of independent draws, shape (draws, points), at the places x, shape (points,)."""
    values = np.asarray(draws, float)
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return Points(np.asarray(x, float), values.mean(axis=0), error)


def from_counts(x: Numbers, right: Numbers, size: int) -> Points:
    """Shares of `size` independent trials, shape (points,), with their binomial standard errors.

    The error counts one more success and one more failure, so that a share of 0 or 1 has one too.
    """
    counts = np.asarray(right, float)
    smoothed = (counts + 1.0) / (size + 2.0)
    return Points(np.asarray(x, float), counts / size, np.sqrt(smoothed * (1.0 - smoothed) / size))


def to_dict(evidence: Evidence) -> dict[str, Any]:
    """Convert evidence to lists, ready for JSON."""
    return {
        panel: {name: {key: value.tolist() for key, value in points._asdict().items()} for name, points in rows.items()}
        for panel, rows in evidence.items()
    }


def from_dict(content: Mapping[str, Any], panels: Panels) -> Evidence:
    """Convert the result of `to_dict` back to evidence.

    Args:
        content: the result of `to_dict`.
        panels: the panels and series to read; others are ignored.

    Raises:
        InputError: the content lacks a panel, a series, or a series' numbers.
    """
    return {
        panel: {name: _points(_part(_part(content, panel), name)) for name in names} for panel, names in panels.items()
    }


def _part(content: object, name: str) -> object:
    if not isinstance(content, Mapping) or name not in content:
        raise InputError(f"lacks {name!r}")
    return content[name]


def _points(content: object) -> Points:
    rows = [_part(content, name) for name in Points._fields]
    lists = [row for row in rows if isinstance(row, list) and all(isinstance(value, int | float) for value in row)]
    if len({len(row) for row in lists}) != 1 or len(lists) < len(rows):
        raise InputError(f"lacks lists of numbers, of one length, as {', '.join(Points._fields)}")
    return Points(*(np.asarray(row, float) for row in lists))
