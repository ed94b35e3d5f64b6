"""What a sweep has to do, chunk by chunk, and doing what is missing of it."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sims.config import ContrastiveConfig
from sims.evaluation import SAMPLED_GROUPS
from sims.sweep_grid import CONTINUOUS, Grid
from sims.sweep_runs import Program, bytes_of_run, compiled, run_keys
from sims.sweep_store import Store
from theory.captions import Caption
from theory.model import SpuriousModel
from workbench import results
from workbench.errors import InputError
from workbench.memory import available_bytes

LARGEST_CHUNK = 256  # runs; larger ones gain nothing and lose more when a sweep is stopped
_MEMORY_SHARE = 0.5  # of what is free


@dataclasses.dataclass(frozen=True)
class Sweep:
    """A grid, and what is the same for all of it.

    Attributes:
        grid: the axes.
        prompts: zero-shot prompts to evaluate with.
        seed: of all random numbers.
        devices: over how many devices a chunk is split.
        chunk: runs in a chunk, a multiple of `devices`.
    """

    grid: Grid
    prompts: tuple[str, ...]
    seed: int
    devices: int
    chunk: int

    def manifest(self) -> dict[str, Any]:
        """What makes it this sweep and no other; JSON-ready."""
        return dataclasses.asdict(self) | {"versions": results.versions("jax", "jaxlib", "flax", "optax", "numpy")}

    def chunks(self) -> Iterator[tuple[Program, np.ndarray]]:
        """Each chunk's program and its continuous values and seeds, shape (runs, axes + 1)."""
        values = self.grid.continuous()
        full = self.grid.axes["mention_inv"] == (1.0,) and self.grid.axes["mention_spu"] == (1.0,)
        for static in self.grid.programs():
            for start in range(0, len(values), self.chunk):
                yield Program(**static, prompts=self.prompts, full_captions=full), values[start : start + self.chunk]


def plan(grid: Grid, prompts: tuple[str, ...], seed: int, memory: int | None = None) -> Sweep:
    """A sweep whose chunks fit in memory.

    Args:
        grid: the axes.
        prompts: zero-shot prompts to evaluate with.
        seed: of all random numbers.
        memory: bytes that may be used; half of what is free unless given.

    Raises:
        ParameterError: a parameter outside its domain.
        InputError: not even one run a device fits.
    """
    for name in CONTINUOUS:
        for value in grid.axes[name]:
            if name in ("mention_inv", "mention_spu"):
                Caption(**{name: value})
            elif name == "learning_rate":
                ContrastiveConfig(learning_rate=value)
            else:
                SpuriousModel(**{name: value})
    for static in grid.programs():
        SpuriousModel(image_dim=static["image_dim"], text_dim=static["text_dim"])
        ContrastiveConfig(**{name: static[name] for name in ("embed_dim", "batch_size", "steps")})
    devices = jax.local_device_count()
    memory = int(_MEMORY_SHARE * available_bytes()) if memory is None else memory
    largest = max(bytes_of_run(Program(**static, prompts=prompts, full_captions=True)) for static in grid.programs())
    if largest * devices > memory:
        raise InputError(
            f"one run on each of {devices} devices needs about {largest * devices / 1e9:,.1f} GB of memory and "
            f"{memory / 1e9:,.1f} GB may be used; reduce --batch-size or the dimensions"
        )
    of_program = len(grid.continuous())
    per_device = min(memory // largest, LARGEST_CHUNK, of_program) // devices
    return Sweep(grid, prompts, seed, devices, max(per_device, 1) * devices)


def run(sweep: Sweep, store: Store, on_progress: Callable[[int, int], None] = lambda done, kept: None) -> np.ndarray:
    """Do what is missing of a sweep, keep each chunk as it finishes, and put all of it together.

    Args:
        sweep: what to do.
        store: what is done.
        on_progress: called with the number of runs done, and how many of them were done before.

    Returns:
        Accuracies of all runs, shape (runs, prompts, groups); NaN for a run that diverged.

    Raises:
        InputError: a kept chunk cannot be read.
    """
    all_chunks = list(sweep.chunks())
    kept = [
        store.read(index, (len(values), len(sweep.prompts), len(SAMPLED_GROUPS)))
        for index, (_, values) in enumerate(all_chunks)
    ]
    done = before = sum(len(part) for part in kept if part is not None)
    on_progress(done, before)
    for index, (of_chunk, values) in enumerate(all_chunks):
        if kept[index] is not None:
            continue
        # A short chunk repeats its last run, so that every chunk has the shape that is compiled.
        padded = np.concatenate([values, np.repeat(values[-1:], sweep.chunk - len(values), axis=0)])
        keys = run_keys(sweep.seed, padded[:, -1].astype(int))
        function = compiled(of_chunk, sweep.devices)
        accuracies = np.asarray(function(jnp.asarray(padded[:, :-1], float), keys))[: len(values)]
        store.write(index, accuracies)
        kept[index] = accuracies
        done += len(values)
        on_progress(done, before)
    whole = np.concatenate([part for part in kept if part is not None])
    store.assemble(sweep.grid, sweep.prompts, whole)
    return whole
