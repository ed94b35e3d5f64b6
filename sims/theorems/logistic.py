"""S6, simulated: logistic regression fitted to samples, and its accuracy on fresh images."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from sims.synthetic.sampler import Batch, sample_bases, sample_batch
from sims.theorems.evidence import Evidence, from_draws
from sims.theorems.group_accuracy import GROUP_RATIOS, right_decisions
from sims.theorems.least_squares import DRAWS, IMAGES, MODEL, RATIOS, TEST_IMAGES, WEIGHTS, fit_least_squares
from theory.model import Scalar
from workbench.compilation import jit

# From least squares, Newton's error is below the rounding of single precision after six steps.
NEWTON_STEPS = 8


def fit_logistic(batch: Batch) -> Float[Array, " image_dim"]:
    """The rule v that minimises the mean of log(1 + exp(-y <v, x>)) over a sample, by Newton's method."""

    def newton(_: int, rule: Float[Array, " image_dim"]) -> Float[Array, " image_dim"]:
        wrong = jax.nn.sigmoid(-batch.labels * (batch.images @ rule))
        gradient = -batch.images.T @ (wrong * batch.labels)
        hessian = batch.images.T @ (batch.images * (wrong * (1.0 - wrong))[:, None])
        return rule - jnp.linalg.solve(hessian, gradient)

    return jax.lax.fori_loop(0, NEWTON_STEPS, newton, fit_least_squares(batch))


def _measure(key: Key[Array, ""], ratio: Scalar) -> tuple[Float[Array, "2"], Float[Array, "2"]]:
    model = dataclasses.replace(MODEL, spurious_ratio=ratio)
    bases_key, batch_key, test_key = jax.random.split(key, 3)
    bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
    rule = fit_logistic(sample_batch(batch_key, model, bases, IMAGES))
    return bases.image.T @ rule, right_decisions(test_key, model, bases, rule, TEST_IMAGES) / TEST_IMAGES


def simulate(seed: int) -> Evidence:
    """Fit logistic regression to 4000 images and test it on 500 fresh ones of each group, 30 times at every ratio.

    Panel `weights`: those on the two features, D_I^T v. Panel `accuracy`: the share of test images classified rightly.
    """
    keys = jax.random.split(jax.random.key(seed), (DRAWS, len(RATIOS)))
    weights, accuracies = jit(jax.vmap(jax.vmap(_measure), in_axes=(0, None)))(keys, jnp.array(RATIOS))
    return {
        "weights": {name: from_draws(RATIOS, weights[:, :, i]) for i, name in enumerate(WEIGHTS)},
        "accuracy": {name: from_draws(RATIOS, accuracies[:, :, i]) for i, name in enumerate(GROUP_RATIOS)},
    }
