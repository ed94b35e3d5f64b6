"""S5, simulated: least squares fitted to samples, and its accuracy on fresh images."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from sims.synthetic.sampler import Batch, sample_bases, sample_batch
from sims.theorems.evidence import Evidence, from_draws
from sims.theorems.group_accuracy import GROUP_RATIOS, right_decisions
from theory.model import Scalar, SpuriousModel
from workbench.compilation import jit

MODEL = SpuriousModel(mu_inv=0.9, mu_spu=1.37, sigma_inv=1.21, sigma_spu=0.64, sigma_xi=1.7, image_dim=5, text_dim=2)
RATIOS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
IMAGES, TEST_IMAGES, DRAWS = 4000, 500, 30
WEIGHTS = ("invariant", "spurious")


def fit_least_squares(batch: Batch) -> Float[Array, " image_dim"]:
    """The rule v that minimises the mean of (<v, x> - y)^2 over a sample."""
    return jnp.linalg.solve(batch.images.T @ batch.images, batch.images.T @ batch.labels)


def _measure(key: Key[Array, ""], ratio: Scalar) -> tuple[Float[Array, "2"], Float[Array, "2"]]:
    model = dataclasses.replace(MODEL, spurious_ratio=ratio)
    bases_key, batch_key, test_key = jax.random.split(key, 3)
    bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
    rule = fit_least_squares(sample_batch(batch_key, model, bases, IMAGES))
    return bases.image.T @ rule, right_decisions(test_key, model, bases, rule, TEST_IMAGES) / TEST_IMAGES


def simulate(seed: int) -> Evidence:
    """Fit least squares to 4000 images and test it on 500 fresh ones of each group, 30 times at every ratio.

    Panel `weights`: those on the two features, D_I^T v. Panel `accuracy`: the share of test images classified rightly.
    """
    keys = jax.random.split(jax.random.key(seed), (DRAWS, len(RATIOS)))
    weights, accuracies = jit(jax.vmap(jax.vmap(_measure), in_axes=(0, None)))(keys, jnp.array(RATIOS))
    return {
        "weights": {name: from_draws(RATIOS, weights[:, :, i]) for i, name in enumerate(WEIGHTS)},
        "accuracy": {name: from_draws(RATIOS, accuracies[:, :, i]) for i, name in enumerate(GROUP_RATIOS)},
    }
