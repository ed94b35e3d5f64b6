"""What a sweep has to do, chunk by chunk, and doing what is missing of it."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sims.names import CURATIONS
from sims.objectives import OBJECTIVES, Objective
from sims.objectives.table import source_of
from sims.sweep.grid import CONTINUOUS, Chunk, Grid, Layout, layout
from sims.sweep.result import Outcome, Store
from sims.sweep.runs import Program, bytes_of_run, compiled
from sims.synthetic.evaluation import SAMPLED_GROUPS
from sims.training.config import ContrastiveConfig
from theory.model import Caption, SpuriousModel
from workbench import results
from workbench.errors import InputError, ParameterError
from workbench.hosts import available_bytes

# Runs in a block: on a CPU what its cache holds, measured at batch 128; elsewhere enough to fill the device.
LARGEST_BLOCK = {"cpu": 16}
_LARGEST_ELSEWHERE = 1024
_MEMORY_SHARE = 0.5  # of what is free
_SECONDS_BETWEEN_LOOKS = 0.2  # for the chunks of other processes
_OF_CONFIG = ("image_encoder", "text_encoder", "embed_dim", "batch_size", "steps")


@dataclasses.dataclass(frozen=True)
class Sweep:
    """A grid, and what is the same for all of it.

    Attributes:
        grid: the axes.
        prompts: zero-shot prompts to evaluate with.
        seed: of all random numbers.
        layout: how its runs are cut into blocks and chunks.
        own: objectives that the grid names and `OBJECTIVES` does not.
    """

    grid: Grid
    prompts: tuple[str, ...]
    seed: int
    layout: Layout
    own: tuple[Objective, ...] = ()

    def manifest(self) -> dict[str, Any]:
        """What makes it this sweep and no other; JSON-ready."""
        made_by = results.versions("jax", "jaxlib", "flax", "optax", "numpy") | {"platform": jax.default_backend()}
        content = {
            "grid": dataclasses.asdict(self.grid),
            "prompts": self.prompts,
            "seed": self.seed,
            "layout": dataclasses.asdict(self.layout),
            "versions": made_by,
        }
        own = {objective.name: source_of(objective) for objective in self.own}
        return content | ({"own_objectives": own} if own else {})

    def programs(self) -> list[Program]:
        """The program of each combination of static values.

        Supervised learners read no caption and share their programs, but for the captions that curation reads.
        """
        full = self.grid.axes["mention_inv"] == (1.0,) and self.grid.axes["mention_spu"] == (1.0,)
        programs = []
        for static in self.grid.programs():
            objective = _find_named(static["objective"], self.own)
            of_captions = objective.contrastive or static["curation"] != "none"
            read = {"objective": objective} | ({} if of_captions else {"caption": "latent"})
            reads_all = full or not of_captions
            programs.append(Program(**static | read, prompts=self.prompts, full_captions=reads_all))
        return programs

    def chunks(self) -> list[tuple[Program, Chunk]]:
        """Each chunk with its program; a chunk's number is its place here."""
        parts = list(self.layout.chunks(len(self.grid.combinations()), self.grid.seeds))
        return [(program, part) for program in dict.fromkeys(self.programs()) for part in parts]


def _find_named(name: str, own: Sequence[Objective]) -> Objective:
    return ({objective.name: objective for objective in own} | OBJECTIVES)[name]


def plan(
    grid: Grid, prompts: tuple[str, ...], seed: int, memory: int | None = None, own: tuple[Objective, ...] = ()
) -> Sweep:
    """A sweep whose blocks fit in memory.

    Args:
        grid: the axes.
        prompts: zero-shot prompts to evaluate with.
        seed: of all random numbers.
        memory: bytes that may be used; half of what is free unless given.
        own: objectives that the grid names and `OBJECTIVES` does not.

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
        if static["curation"] not in CURATIONS:
            raise ParameterError("curation", f"one of {', '.join(CURATIONS)}", repr(static["curation"]))
        ContrastiveConfig(
            SpuriousModel(image_dim=static["image_dim"], text_dim=static["text_dim"]),
            (_find_named(static["objective"], own),),
            **{name: value for name, value in static.items() if name in _OF_CONFIG},
        )
    devices = jax.device_count()
    memory = int(_MEMORY_SHARE * available_bytes()) if memory is None else memory
    needed = jax.local_device_count() * max(
        bytes_of_run(program) for program in dict.fromkeys(Sweep(grid, prompts, seed, Layout(1, 1, 1), own).programs())
    )
    if needed > memory:
        raise InputError(
            f"one run on each of {jax.local_device_count()} devices needs about {needed / 1e9:,.1f} GB of memory and "
            f"{memory / 1e9:,.1f} GB may be used; reduce `batch_size` or the dimensions"
        )
    largest = min(LARGEST_BLOCK.get(jax.default_backend(), _LARGEST_ELSEWHERE), memory // needed)
    parts = layout(len(grid.combinations()), grid.seeds, devices, largest, jax.process_count())
    return Sweep(grid, prompts, seed, parts, own)


class Seconds:
    """Where the time of a sweep went.

    Attributes:
        compile: seconds that compilation took.
        run: seconds that the compiled programs took.
    """

    def __init__(self) -> None:
        self.compile = self.run = 0.0


def run(
    sweep: Sweep,
    store: Store | None,
    on_progress: Callable[[int, int], None] = lambda done, before: None,
    seconds: Seconds | None = None,
) -> Outcome:
    """Do what is missing of a sweep, keep each chunk as it finishes, and put all of it together.

    Several processes take turns at the chunks, and find each other's in the store's folder, which they share.

    Args:
        sweep: what to do.
        store: what is done; None keeps nothing.
        on_progress: called with the number of chunks done, and how many of them were done before.
        seconds: filled with where the time went.

    Returns:
        Accuracies and divergences of all runs.

    Raises:
        InputError: a kept chunk cannot be read.
    """
    seconds = seconds or Seconds()
    chunks = sweep.chunks()
    shapes = [(len(part.seeds), sweep.layout.seeds, sweep.layout.combinations) for _, part in chunks]
    ends = (len(sweep.prompts), len(SAMPLED_GROUPS))
    kept = [None if store is None else store.read(index, shape, ends) for index, shape in enumerate(shapes)]
    done = before = sum(outcome is not None for outcome in kept)
    on_progress(done, before)
    values, devices = sweep.grid.combinations(), jax.local_device_count()
    values_type = jnp.result_type(float)
    ready: dict[Any, jax.stages.Compiled] = {}
    for index, (program, part) in enumerate(chunks):
        if kept[index] is not None or index % jax.process_count() != jax.process_index():
            continue
        # A chunk that the devices do not share evenly repeats its last block.
        padded = jax.tree.map(lambda rows: np.pad(rows, ((0, -len(rows) % devices), (0, 0)), mode="edge"), part)
        seed = np.array([sweep.seed], np.uint32)
        arguments = seed, padded.seeds, values[padded.combinations].astype(values_type)
        started = time.perf_counter()
        if (program, padded.seeds.shape) not in ready:
            ready[program, padded.seeds.shape] = compiled(program, devices).lower(*arguments).compile()
            seconds.compile += time.perf_counter() - started
            started = time.perf_counter()
        run_chunk = ready[program, padded.seeds.shape]
        # To each device its part at once: to divide an array that one device has takes two more programs.
        parts = jax.device_put(arguments, run_chunk.input_shardings[0])
        found = [np.asarray(array)[: len(part.seeds)] for array in run_chunk(*parts)]
        seconds.run += time.perf_counter() - started
        outcome = Outcome(*found)
        if store is not None:
            store.write(index, outcome)
        kept[index] = outcome
        done += 1
        on_progress(done, before)
    for index, shape in enumerate(shapes):
        while store is not None and kept[index] is None:  # another process's; if it dies, JAX's runtime ends this one
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            kept[index] = store.read(index, shape, ends)
        on_progress(len(kept) - sum(outcome is None for outcome in kept), before)
    return _put_together(sweep, chunks, [outcome for outcome in kept if outcome is not None])


def _put_together(sweep: Sweep, chunks: list[tuple[Program, Chunk]], outcomes: list[Outcome]) -> Outcome:
    """All runs in the grid's order, from what the chunks hold."""
    shape = len(sweep.grid.combinations()), sweep.grid.seeds
    accuracies = {p: np.full((*shape, len(sweep.prompts), len(SAMPLED_GROUPS)), np.nan) for p, _ in chunks}
    diverged = {program: np.zeros(shape, int) for program, _ in chunks}
    for (program, part), outcome in zip(chunks, outcomes, strict=True):
        place = part.combinations[:, None, :], part.seeds[:, :, None]
        accuracies[program][place] = outcome.accuracies
        diverged[program][place] = outcome.diverged
    order = sweep.programs()
    return Outcome(np.stack([accuracies[p] for p in order]), np.stack([diverged[p] for p in order]))
