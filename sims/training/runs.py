"""What the learners of a simulation share: each run's bases, data and evaluation data."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int, Key

from sims.synthetic.evaluation import EvaluationSet, class_prompts, sample_evaluation_set, split_evaluation_set
from sims.synthetic.sampler import Bases, Batch, sample_bases, sample_batch
from sims.training.config import ContrastiveConfig
from sims.training.devices import RUNS, placed
from workbench.compilation import jit

MONITOR_SIZE = 2048  # images of each group on which training is watched
TEST_SIZE = 16384  # images of each group on which the trained weights are evaluated

# One role for each use of a run's random key.
_BASES, _WEIGHTS, _DATA, _ORDER, _TEST = range(5)


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
    return jax.random.fold_in(key, _WEIGHTS)


def prepare_runs(config: ContrastiveConfig, mesh: Mesh | None = None) -> Runs:
    """Draw what the learners share: bases, training sets (if `samples` is not 0), and data to evaluate on.

    Args:
        config: the configuration.
        mesh: of the devices that the runs are split over.
    """
    model, samples = config.model, config.samples
    image_dim, text_dim = int(model.image_dim), int(model.text_dim)

    def prepare(key: Key[Array, ""]) -> Runs:
        bases = sample_bases(jax.random.fold_in(key, _BASES), image_dim, text_dim)
        return Runs(
            key,
            bases,
            class_prompts(model, bases, config.prompt),
            sample_batch(jax.random.fold_in(key, _DATA), model, bases, samples) if samples else None,
            *split_evaluation_set(
                sample_evaluation_set(jax.random.fold_in(key, _TEST), model, bases, MONITOR_SIZE + TEST_SIZE),
                MONITOR_SIZE,
            ),
        )

    def prepare_all() -> Runs:
        keys = jax.vmap(functools.partial(jax.random.fold_in, jax.random.key(config.seed)))(jnp.arange(config.seeds))
        # One run after the other: drawing them all at once would take several times the memory of what is kept.
        return jax.lax.map(prepare, keys)

    return jit(prepare_all, **placed(mesh, RUNS))()


def next_batch(
    config: ContrastiveConfig,
    index: Int[Array, ""],
    order: Int[Array, " samples"] | None,
    key: Key[Array, ""],
    bases: Bases,
    dataset: Batch | None,
) -> tuple[Batch, Int[Array, " samples"] | None]:
    """The batch of a step: fresh, or the next of the data set in this epoch's order; a rest is left out."""
    if dataset is None:
        key = jax.random.fold_in(jax.random.fold_in(key, _DATA), index)
        return sample_batch(key, config.model, bases, config.batch_size), order
    batches = config.samples // config.batch_size
    epoch, position = index // batches, index % batches
    shuffle_key = jax.random.fold_in(jax.random.fold_in(key, _ORDER), epoch)
    # Only the step decides, the same in all runs, so that under vmap this stays a branch.
    order = jax.lax.cond(position == 0, lambda: jax.random.permutation(shuffle_key, config.samples), lambda: order)
    rows = jax.lax.dynamic_slice(order, (position * config.batch_size,), (config.batch_size,))
    return jax.tree.map(lambda column: column[rows], dataset), order
