"""The grid of a sweep: its axes, from what the command line says, and the order of its runs."""

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from workbench.errors import ParameterError

# Axes along which the compiled program stays the same, and those that each take a program of their own.
CONTINUOUS = (
    "spurious_ratio",
    "mu_inv",
    "mu_spu",
    "sigma_inv",
    "sigma_spu",
    "sigma_xi",
    "class_prior",
    "mention_inv",
    "mention_spu",
    "learning_rate",
)
STATIC = (
    *("objective", "caption", "image_encoder", "text_encoder"),
    *("image_dim", "text_dim", "embed_dim", "batch_size", "steps"),
)


def numbers(text: str, whole: bool = False) -> tuple[int | float, ...]:
    """Values from `value`, `a,b,c` or `start:stop:count` (both ends included, evenly spaced).

    Raises:
        ValueError: none of the three, or a value twice; the message says what is wrong.
    """
    convert: Callable[[str], Any] = int if whole else float
    if ":" in text:
        parts = text.split(":")
        if len(parts) != 3:
            raise ValueError(f"a range is start:stop:count, got {text!r}")
        try:
            start, stop, count = float(parts[0]), float(parts[1]), int(parts[2])
        except ValueError:
            raise ValueError(f"a range is start:stop:count, two numbers and a whole number, got {text!r}") from None
        if count < 2:
            raise ValueError(f"a range has a count of at least 2, got {text!r}")
        spaced = np.linspace(start, stop, count).tolist()
        if whole and any(value != round(value) for value in spaced):
            raise ValueError(f"the range {text!r} does not fall on whole numbers")
        values = [convert(value) for value in spaced]
    else:
        try:
            values = [convert(part) for part in text.split(",")]
        except ValueError:
            kind = "whole numbers" if whole else "numbers"
            raise ValueError(f"expected {kind} separated by commas, or start:stop:count, got {text!r}") from None
    if not all(math.isfinite(value) for value in values):
        raise ValueError(f"expected finite numbers, got {text!r}")
    if len(set(values)) < len(values):
        raise ValueError(f"the same value twice in {text!r}")
    return tuple(values)


@dataclasses.dataclass(frozen=True)
class Grid:
    """All combinations of the axes' values, times the seeds.

    Attributes:
        axes: every name of `STATIC` and `CONTINUOUS`, in that order, to its values.
        seeds: independent runs of each combination, numbered from 0; at least 1.
    """

    axes: dict[str, tuple[Any, ...]]
    seeds: int

    def __post_init__(self) -> None:
        if tuple(self.axes) != STATIC + CONTINUOUS:
            raise ValueError(f"axes must be {STATIC + CONTINUOUS}, got {tuple(self.axes)}")
        if self.seeds < 1:
            raise ParameterError("seeds", "at least 1", self.seeds)

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes, the seeds last."""
        return (*(len(values) for values in self.axes.values()), self.seeds)

    @property
    def runs(self) -> int:
        """How many runs there are in all."""
        return math.prod(self.shape)

    def programs(self) -> Iterator[dict[str, Any]]:
        """The combinations of static values, in row-major order."""
        for values in itertools.product(*(self.axes[name] for name in STATIC)):
            yield dict(zip(STATIC, values, strict=True))

    def combinations(self) -> np.ndarray:
        """The combinations of continuous values, shape (combinations, axes), in row-major order."""
        return np.array(list(itertools.product(*(self.axes[name] for name in CONTINUOUS))), float)

    def points(self) -> Iterator[tuple[Any, ...]]:
        """The values and the seed's number of every run, in row-major order."""
        return itertools.product(*self.axes.values(), range(self.seeds))
