"""Many training runs in one compiled program: blocks of runs one after the other on each device.

What the runs of a seed share is drawn once for all of them: bases, noise, initial weights and test images depend on the
seed alone, so that `vmap` over the other parameters leaves them without an axis. A block is as large as its arrays
stay in the cache; docs/performance.md has the measurements.
"""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Float, Int, Key, UInt32

from sims.encoders import Architecture
from sims.objectives import Objective
from sims.sweep.grid import CONTINUOUS
from sims.synthetic.evaluation import PIECE, sample_evaluation_set, zero_shot_accuracies
from sims.synthetic.sampler import Batch, sample_bases, sample_batch, sample_pairs
from sims.training.step import LONG_TRAINING, Role, first_divergence, learning_rate_schedule, take_step
from theory.model import Caption, SpuriousModel
from theory.statements.zero_shot import latent_prompt
from workbench.compilation import jit

TEST_SIZE = 4096  # images of each group on which a run is evaluated


@dataclasses.dataclass(frozen=True)
class Program:
    """What is the same in all runs of one compiled program.

    Attributes:
        objective: the loss, and what is trained with it.
        caption: a kind of `theory.statements.captions.CAPTIONS`.
        image_encoder, text_encoder: names of `sims.encoders`.
        image_dim, text_dim, embed_dim: sizes of the encoders.
        batch_size: pairs in a step, fresh at every step.
        steps: optimiser steps; the weights that are evaluated are the average over the last half.
        prompts: zero-shot prompts to evaluate with.
        full_captions: every run's captions mention everything, so that nothing need be taken out of them.
        curation: of the pairs, a name of `sims.synthetic.sampler.CURATIONS`.
    """

    objective: Objective
    caption: str
    image_encoder: str
    text_encoder: str
    image_dim: int
    text_dim: int
    embed_dim: int
    batch_size: int
    steps: int
    prompts: tuple[str, ...]
    full_captions: bool
    curation: str = "none"

    @property
    def architecture(self) -> Architecture:
        """The encoders."""
        return Architecture(self.image_dim, self.text_dim, self.embed_dim, self.image_encoder, self.text_encoder)


def _run(
    program: Program, key: Key[Array, ""], values: Float[Array, " axes"]
) -> tuple[Float[Array, "prompts groups"], Int[Array, ""]]:
    """One run: accuracies of its averaged weights, and the step at which it diverged, 0 if it did not."""
    named = dict(zip(CONTINUOUS, values, strict=True))
    caption = Caption(program.caption, named.pop("mention_inv"), named.pop("mention_spu"))
    rate = named.pop("learning_rate")
    model = SpuriousModel(**named, image_dim=program.image_dim, text_dim=program.text_dim)
    bases = sample_bases(jax.random.fold_in(key, Role.BASES), program.image_dim, program.text_dim)
    objective = program.objective
    untrained = objective.create(program.architecture, nnx.Rngs(jax.random.fold_in(key, Role.WEIGHTS)))
    graph, weights = nnx.split(untrained, nnx.Param)
    optimiser = optax.adam(learning_rate_schedule(rate))
    data_key = jax.random.fold_in(key, Role.DATA)

    def draw(index: Int[Array, ""]) -> Batch:
        key = jax.random.fold_in(data_key, index)
        if program.caption == "latent" and program.full_captions and program.curation == "none":
            return sample_batch(key, model, bases, program.batch_size)
        return sample_pairs(key, model, bases, caption, program.batch_size, curation=program.curation)

    def step(index: Int[Array, ""], carry: tuple[Any, Any, Any, Array]) -> tuple[Any, Any, Any, Array]:
        weights, state, total, diverged = carry
        batch = draw(index)
        weights, state = take_step(
            optimiser, lambda weights: objective.loss(nnx.merge(graph, weights), batch), weights, state
        )
        late = jnp.where(index >= program.steps // 2, 1.0, 0.0)
        total = jax.tree.map(lambda sum_, weight: sum_ + late * weight, total, weights)
        diverged = first_divergence(diverged, weights, index)
        return weights, state, total, diverged

    start = weights, optimiser.init(weights), jax.tree.map(jnp.zeros_like, weights), jnp.zeros((), jnp.int32)
    *_, total, diverged = jax.lax.fori_loop(0, program.steps, step, start)
    averaged = jax.tree.map(lambda sum_: sum_ / (program.steps - program.steps // 2), total)
    positive = jnp.stack([bases.text @ latent_prompt(model, prompt, caption) for prompt in program.prompts])
    test = sample_evaluation_set(jax.random.fold_in(key, Role.TEST), model, bases, TEST_SIZE)
    trained: Any = nnx.merge(graph, averaged)
    accuracies = zero_shot_accuracies(trained, test, jnp.stack([-positive, positive], axis=1))
    return jnp.where(diverged == 0, accuracies, jnp.nan), diverged


@functools.cache
def compiled(program: Program, devices: int) -> Any:
    """The jitted function of a chunk of blocks, which are split over the first `devices` local devices.

    It takes the seed of all random numbers, shape (1,), the numbers of the seeds, shape (blocks, seeds), and continuous
    values, shape (blocks, combinations, axes); the number of blocks is a multiple of `devices`. It gives
    accuracies, shape (blocks, seeds, combinations, prompts, groups), NaN for a run that diverged, and the steps at
    which runs diverged, shape (blocks, seeds, combinations), 0 for those that did not.
    """
    mesh = Mesh(np.array(jax.local_devices()[:devices]), ("blocks",))
    split = PartitionSpec("blocks")
    over_combinations = jax.vmap(functools.partial(_run, program), in_axes=(None, 0))

    def block(keys: Key[Array, " seeds"], values: Float[Array, "combinations axes"]) -> tuple[Array, Array]:
        if keys.shape[0] > 1:
            return jax.vmap(over_combinations, in_axes=(0, None))(keys, values)
        # Matrix products with a second batch axis, even of length 1, are slower.
        return jax.tree.map(lambda part: part[None], over_combinations(keys[0], values))

    def chunk(
        seed: UInt32[Array, "1"], seeds: Int[Array, "blocks seeds"], values: Float[Array, "blocks combinations axes"]
    ) -> tuple[Array, Array]:
        # A seed's key is the same for all combinations, so that they share bases and noise.
        of_seed = jax.vmap(functools.partial(jax.random.fold_in, jax.random.key(seed[0])))
        return jax.lax.map(lambda part: block(of_seed(part[0]), part[1]), (seeds, values))

    specs = PartitionSpec(), split, split
    sharded = jax.shard_map(chunk, mesh=mesh, in_specs=specs, out_specs=split, check_vma=False)
    return jit(sharded, long=program.steps >= LONG_TRAINING)


def bytes_of_run(program: Program) -> int:
    """About how much memory one run of a block takes, copies of the batch, weights and test images included."""
    pair = program.image_dim + program.text_dim
    similarities = 5 * program.batch_size**2 if program.objective.contrastive else 0
    # Fusion leaves about a quarter of an encoder's arrays, of the images of two groups; measured with the ViT.
    encoding = program.architecture.floats_per_image()
    training = similarities + program.batch_size * (8 * pair + 2 * encoding) + 8 * program.embed_dim * pair
    return 4 * max(training, 6 * TEST_SIZE * program.image_dim + PIECE * encoding // 2)
