"""The grid of a sweep: its axes, the order of its runs, and how they are cut into blocks and chunks.

Blocks run one after the other; chunks are kept.
"""

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from sims.names import CURATIONS
from sims.training.config import ContrastiveConfig
from theory.model import Caption, SpuriousModel
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
    *("objective", "caption", "curation", "image_encoder", "text_encoder"),
    *("image_dim", "text_dim", "embed_dim", "batch_size", "steps"),
)


_STEPS = 500  # unless told otherwise


def default_axes(model: SpuriousModel | None = None) -> dict[str, tuple[Any, ...]]:
    """Every axis of a sweep with the one value that it has unless told otherwise.

    Args:
        model: where the parameters of the synthetic model come from; its defaults unless given.
    """
    owners = ContrastiveConfig, Caption, SpuriousModel
    values = {field.name: field.default for owner in owners for field in dataclasses.fields(owner)}
    values |= {} if model is None else dataclasses.asdict(model)
    values |= {"objective": "infonce", "caption": values["kind"], "curation": CURATIONS[0], "steps": _STEPS}
    return {name: (_as_axis(name, values[name]),) for name in STATIC + CONTINUOUS}


def _as_axis(name: str, value: Any) -> Any:
    return float(value) if name in CONTINUOUS else value if isinstance(value, str) else int(value)


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


class Chunk(NamedTuple):
    """Which runs a chunk holds; a block that the grid does not fill repeats its last run.

    Attributes:
        seeds: numbers of the seeds of each block, shape (blocks, seeds).
        combinations: indices of the combinations of each block, shape (blocks, combinations).
    """

    seeds: np.ndarray
    combinations: np.ndarray


@dataclasses.dataclass(frozen=True)
class Layout:
    """Sizes of a block and of a chunk. Results depend on a block's size in the last bit, so a sweep keeps its own.

    Attributes:
        combinations: of continuous values in a block.
        seeds: in a block; each of them is run with each of the combinations.
        blocks: in a chunk.
    """

    combinations: int
    seeds: int
    blocks: int

    @property
    def runs(self) -> int:
        """Runs in a block."""
        return self.combinations * self.seeds

    def chunks(self, combinations: int, seeds: int) -> Iterator[Chunk]:
        """The chunks of a program with that many combinations and seeds in all."""
        starts = [
            (seed, combination)
            for seed in range(0, seeds, self.seeds)
            for combination in range(0, combinations, self.combinations)
        ]
        for begin in range(0, len(starts), self.blocks):
            part = np.array(starts[begin : begin + self.blocks])
            yield Chunk(
                np.minimum(part[:, :1] + np.arange(self.seeds), seeds - 1),
                np.minimum(part[:, 1:] + np.arange(self.combinations), combinations - 1),
            )


def layout(combinations: int, seeds: int, devices: int, largest: int, processes: int = 1) -> Layout:
    """Blocks of at most `largest` runs: of as many combinations of a seed as can be, since they share its noise.

    Args:
        combinations: of continuous values, in all.
        seeds: in all.
        devices: that should each have a block, if there are runs enough.
        largest: runs in a block.
        processes: that share the devices evenly, and should each have a chunk.
    """
    largest = min(largest, math.ceil(combinations * seeds / devices))
    of_combinations = _even(combinations, largest)
    of_seeds = _even(seeds, max(largest // of_combinations, 1))
    blocks = math.ceil(combinations / of_combinations) * math.ceil(seeds / of_seeds)
    return Layout(of_combinations, of_seeds, min(math.ceil(blocks / processes), 2 * devices // processes))


def _even(total: int, largest: int) -> int:
    """The size of the parts, at most `largest`, when `total` is cut into as few parts as can be, all alike."""
    return math.ceil(total / math.ceil(total / largest))
