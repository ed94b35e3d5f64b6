"""What the learners of a simulation share: each run's bases, data and evaluation data; and what memory that takes."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int, Key, UInt32

from sims.pairwise.blocks import BLOCK, is_large
from sims.synthetic.evaluation import PIECE, EvaluationSet, class_prompts, sample_evaluation_set, split_evaluation_set
from sims.synthetic.sampler import Bases, Batch, captioned_batch, sample_bases, sample_batch
from sims.training.config import ContrastiveConfig
from sims.training.devices import RUNS, shardings
from sims.training.step import Role
from theory.model import Caption
from workbench.compilation import jit
from workbench.errors import InputError
from workbench.hosts import available_bytes

MONITOR_SIZE = 2048  # images of each group on which training is watched
TEST_SIZE = 16384  # images of each group on which the trained weights are evaluated


class Runs(NamedTuple):
    """What the learners share; the leading axis of every array is the run."""

    keys: Key[Array, " runs"]
    bases: Bases
    prompts: Float[Array, "runs prompts 2 text_dim"]
    dataset: Batch | None
    monitor: EvaluationSet
    test: EvaluationSet


def weights_key(key: Key[Array, ""]) -> Key[Array, ""]:
    """The key of a run's initial weights."""
    return jax.random.fold_in(key, Role.WEIGHTS)


def compiled_draw(config: ContrastiveConfig, mesh: Mesh | None = None) -> Any:
    """The jitted function of a seed that draws what the learners share.

    That is bases, training sets (if `samples` is not 0), and data to evaluate on.

    Args:
        config: the configuration, whose seed is not read.
        mesh: of the devices that the runs are split over.
    """
    model, samples = config.model, config.samples
    image_dim, text_dim = int(model.image_dim), int(model.text_dim)

    def prepare(key: Key[Array, ""]) -> Runs:
        bases = sample_bases(jax.random.fold_in(key, Role.BASES), image_dim, text_dim)
        return Runs(
            key,
            bases,
            class_prompts(model, bases, config.prompt),
            sample_batch(jax.random.fold_in(key, Role.DATA), model, bases, samples) if samples else None,
            *split_evaluation_set(
                sample_evaluation_set(jax.random.fold_in(key, Role.TEST), model, bases, MONITOR_SIZE + TEST_SIZE),
                MONITOR_SIZE,
            ),
        )

    def prepare_all(seed: UInt32[Array, ""] | np.uint32) -> Runs:
        keys = jax.vmap(functools.partial(jax.random.fold_in, jax.random.key(seed)))(jnp.arange(config.seeds))
        # One run after the other: drawing them all at once would take several times the memory of what is kept.
        return jax.lax.map(prepare, keys)

    return jit(prepare_all, **shardings(mesh, RUNS))


def next_batch(
    config: ContrastiveConfig,
    index: Int[Array, ""],
    order: Int[Array, " samples"] | None,
    key: Key[Array, ""],
    bases: Bases,
    dataset: Batch | None,
    caption: Caption | None = None,
) -> tuple[Batch, Int[Array, " samples"] | None]:
    """The batch of a step: fresh, or the next of the data set in this epoch's order; a rest is left out."""
    if dataset is None:
        key = jax.random.fold_in(jax.random.fold_in(key, Role.DATA), index)
        return captioned_batch(key, config.model, bases, config.batch_size, caption or Caption()), order
    batches = config.samples // config.batch_size
    epoch, position = index // batches, index % batches
    shuffle_key = jax.random.fold_in(jax.random.fold_in(key, Role.ORDER), epoch)
    # Only the step decides, the same in all runs, so that under vmap this stays a branch.
    order = jax.lax.cond(position == 0, lambda: jax.random.permutation(shuffle_key, config.samples), lambda: order)
    rows = jax.lax.dynamic_slice(order, (position * config.batch_size,), (config.batch_size,))
    return jax.tree.map(lambda column: column[rows], dataset), order


# Copies alive at the peak, as measured on a CPU: of a drawn array (its bits, normals, noise and sum), of a training set
# and its shuffled batches, and of one objective's similarity matrix (logits, both softmaxes, their gradients).
_DRAWN, _DATASET, _SIMILARITIES = 5, 3, 5


def memory_bytes(config: ContrastiveConfig) -> dict[str, int]:
    """About how many bytes each part of the main job needs at its peak, by the parameters that set it."""
    image_dim, text_dim = int(config.model.image_dim), int(config.model.text_dim)
    pair = image_dim + text_dim
    contrastive = sum(objective.contrastive for objective in config.learners.values())
    # A large batch's similarities are there one block of rows at a time, and its runs train one after the other.
    columns, at_once = (BLOCK, 1) if is_large(config.batch_size) else (config.batch_size, config.seeds)
    encoding = config.architecture.floats_per_image()
    floats = {
        "`image_dim` or `seeds`": 2 * (MONITOR_SIZE + TEST_SIZE) * image_dim * (config.seeds + _DRAWN)
        + PIECE * encoding // 2 * config.seeds,
        "`samples` or `seeds`": _DATASET * config.seeds * config.samples * pair,
        "`batch_size` or `seeds`": at_once
        * config.batch_size
        * (_SIMILARITIES * contrastive * columns + _DRAWN * pair + 2 * encoding),
        # Weights, Adam's two moments, the phase's sum, gradients and updates.
        "`embed_dim` or `seeds`": 6 * config.seeds * config.embed_dim * pair * contrastive,
    }
    size = jnp.dtype(jnp.result_type(float)).itemsize
    return {names: size * count for names, count in floats.items()}


def check_memory(config: ContrastiveConfig) -> None:
    """Refuse what does not fit.

    Raises:
        InputError: the configuration needs more memory than is free; the message names the parameters to reduce.
    """
    needed, free = memory_bytes(config), available_bytes()
    total = sum(needed.values())
    if total > free:
        largest = max(needed, key=lambda names: needed[names])
        raise InputError(
            f"the run needs about {total / 1e9:,.1f} GB of memory and {free / 1e9:,.1f} GB are free; reduce {largest}"
        )
