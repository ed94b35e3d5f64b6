"""Many training runs in one compiled program: vmapped, and split over all devices."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Float, Int, Key

from sims.captions import sample_pairs
from sims.evaluation import sample_evaluation_set, zero_shot_accuracies
from sims.objectives import OBJECTIVES
from sims.sampler import Bases, Batch, sample_bases, sample_batch
from sims.steps import DECAY_STEPS
from sims.sweep_grid import CONTINUOUS
from theory.captions import Caption
from theory.model import SpuriousModel
from theory.zero_shot import latent_prompt
from workbench.compilation import jit

TEST_SIZE = 4096  # images of each group on which a run is evaluated

# One role for each use of a run's random key.
_BASES, _WEIGHTS, _DATA, _TEST = range(4)


@dataclasses.dataclass(frozen=True)
class Program:
    """What is the same in all runs of one compiled program.

    Attributes:
        objective: a name of `sims.objectives.OBJECTIVES`.
        caption: a kind of `theory.captions.CAPTIONS`.
        image_dim, text_dim, embed_dim: sizes of the encoders.
        batch_size: pairs in a step, fresh at every step.
        steps: optimiser steps; the weights that are evaluated are the average over the last half.
        prompts: zero-shot prompts to evaluate with.
        full_captions: every run's captions mention everything, so that nothing need be taken out of them.
    """

    objective: str
    caption: str
    image_dim: int
    text_dim: int
    embed_dim: int
    batch_size: int
    steps: int
    prompts: tuple[str, ...]
    full_captions: bool


def _train(program: Program, values: Float[Array, " axes"], key: Key[Array, ""]) -> tuple[Any, SpuriousModel, Bases]:
    """One run: its averaged weights, and what they were trained on."""
    named = dict(zip(CONTINUOUS, values, strict=True))
    caption = Caption(program.caption, named.pop("mention_inv"), named.pop("mention_spu"))
    rate = named.pop("learning_rate")
    model = SpuriousModel(**named, image_dim=program.image_dim, text_dim=program.text_dim)
    bases = sample_bases(jax.random.fold_in(key, _BASES), program.image_dim, program.text_dim)
    objective = OBJECTIVES[program.objective]
    create = functools.partial(objective.create, program.image_dim, program.text_dim, program.embed_dim)
    graph, weights = nnx.split(create(nnx.Rngs(jax.random.fold_in(key, _WEIGHTS))), nnx.Param, ...)[:2]
    optimiser = optax.adam(lambda step: rate / (1.0 + jnp.asarray(step, float) / DECAY_STEPS))
    data_key = jax.random.fold_in(key, _DATA)

    def draw(index: Int[Array, ""]) -> Batch:
        key = jax.random.fold_in(data_key, index)
        if program.caption == "latent" and program.full_captions:
            return sample_batch(key, model, bases, program.batch_size)
        return sample_pairs(key, model, bases, caption, program.batch_size)

    def step(index: Int[Array, ""], carry: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        weights, state, total = carry
        batch = draw(index)
        gradients = jax.grad(lambda weights: objective.loss(nnx.merge(graph, weights), batch))(weights)
        updates, state = optimiser.update(gradients, state)
        weights = optax.apply_updates(weights, updates)
        late = jnp.where(index >= program.steps // 2, 1.0, 0.0)
        return weights, state, jax.tree.map(lambda sum_, weight: sum_ + late * weight, total, weights)

    start = weights, optimiser.init(weights), jax.tree.map(jnp.zeros_like, weights)
    *_, total = jax.lax.fori_loop(0, program.steps, step, start)
    averaged = jax.tree.map(lambda sum_: sum_ / (program.steps - program.steps // 2), total)
    return averaged, model, bases


def _evaluate(
    program: Program, values: Float[Array, " axes"], key: Key[Array, ""], weights: Any, bases: Bases
) -> Float[Array, "prompts groups"]:
    named = dict(zip(CONTINUOUS, values, strict=True))
    caption = Caption(program.caption, named.pop("mention_inv"), named.pop("mention_spu"))
    del named["learning_rate"]
    model = SpuriousModel(**named, image_dim=program.image_dim, text_dim=program.text_dim)
    create = functools.partial(
        OBJECTIVES[program.objective].create, program.image_dim, program.text_dim, program.embed_dim
    )
    graph = nnx.graphdef(nnx.eval_shape(lambda: create(nnx.Rngs(0))))
    positive = jnp.stack([bases.text @ latent_prompt(model, prompt, caption) for prompt in program.prompts])
    test = sample_evaluation_set(jax.random.fold_in(key, _TEST), model, bases, TEST_SIZE)
    accuracies = zero_shot_accuracies(nnx.merge(graph, weights), test, jnp.stack([-positive, positive], axis=1))
    finite = jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(weights)]))
    return jnp.where(finite, accuracies, jnp.nan)


@functools.cache
def compiled(program: Program, devices: int) -> Callable[[Array, Array], Array]:
    """The function of a chunk: continuous values (runs, axes) and keys (runs,) to accuracies (runs, prompts, groups).

    The runs, as many as a multiple of `devices`, are split over the first `devices` devices. A run that diverged has
    NaN for accuracies.
    """
    mesh = Mesh(np.array(jax.devices()[:devices]), ("runs",))
    split = PartitionSpec("runs")

    def chunk(values: Float[Array, "runs axes"], keys: Key[Array, " runs"]) -> Float[Array, "runs prompts groups"]:
        weights, _, bases = jax.vmap(functools.partial(_train, program))(values, keys)
        # One run after the other: the test images of all at once would take more memory than the training.
        return jax.lax.map(lambda run: _evaluate(program, *run), (values, keys, weights, bases))

    return jit(jax.shard_map(chunk, mesh=mesh, in_specs=(split, split), out_specs=split, check_vma=False))


def run_keys(seed: int, seeds: Int[np.ndarray, " runs"]) -> Key[Array, " runs"]:
    """Keys of runs by their seed's number: the same for all combinations, so that they share bases and noise."""
    return jax.vmap(functools.partial(jax.random.fold_in, jax.random.key(seed)))(jnp.asarray(seeds))


def bytes_of_run(program: Program) -> int:
    """About how much memory one run of a chunk takes while it trains, copies of the batch and weights included."""
    pair = program.image_dim + program.text_dim
    similarities = 5 * program.batch_size**2 if OBJECTIVES[program.objective].contrastive else 0
    return 4 * (similarities + 8 * program.batch_size * pair + 8 * program.embed_dim * pair)
