"""What a statement's simulation measured: points with standard errors, by panel and series."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax
import numpy as np


class Points(NamedTuple):
    """Means over independent draws; three arrays of one shape (points,)."""

    x: np.ndarray
    mean: np.ndarray
    standard_error: np.ndarray


# A row of numbers, or an array.
Numbers: TypeAlias = Sequence[float] | np.ndarray | jax.Array
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
    """The evidence as JSON-ready lists."""
    return {
        panel: {name: {key: value.tolist() for key, value in points._asdict().items()} for name, points in rows.items()}
        for panel, rows in evidence.items()
    }


def from_dict(content: Mapping[str, Any]) -> Evidence:
    """What `to_dict` wrote.

    Raises:
        KeyError, TypeError, ValueError: it did not.
    """
    return {
        panel: {
            name: Points(*(np.asarray(points[key], float) for key in Points._fields)) for name, points in rows.items()
        }
        for panel, rows in content.items()
    }
