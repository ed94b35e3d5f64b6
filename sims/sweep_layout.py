"""How the runs of one program are cut into blocks, which run one after the other, and chunks, which are kept."""

import dataclasses
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np


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
