"""S8, simulated: linearised contrastive learning against least squares, fitted to the same samples."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from sims.synthetic.sampler import sample_bases, sample_batch
from sims.theorems.evidence import Evidence, from_draws
from sims.theorems.group_accuracy import right_decisions
from sims.theorems.least_squares import fit_least_squares
from sims.theorems.zero_shot import fit_zero_shot
from theory.model import Scalar, SpuriousModel
from theory.statements.zero_shot import PROMPTS
from workbench.compilation import jit

# mu_inv is 1 and mu_spu 2 so that Theorem 6.2's conditions can hold in a part of the diagram.
MODEL = SpuriousModel(mu_inv=1.0, mu_spu=2.0, sigma_spu=0.6, sigma_xi=0.8, image_dim=5, text_dim=7)
RATIOS = (0.6, 0.7, 0.8, 0.9, 0.97)
SIGMAS = (0.3, 0.7, 1.1, 1.5, 1.9, 2.3, 2.7)
PAIRS, TEST_IMAGES, DRAWS = 2000, 500, 16


def series_name(ratio: float) -> str:
    """A row of the diagram."""
    return f"p_spu {ratio:g}"


def _gains(key: Key[Array, ""], ratio: Scalar, sigma_inv: Scalar) -> Float[Array, " prompts"]:
    """Accuracy on conflicting images, linearised minus least squares; both see the same samples and test images."""
    model = dataclasses.replace(MODEL, spurious_ratio=ratio, sigma_inv=sigma_inv)
    bases_key, batch_key, test_key = jax.random.split(key, 3)
    bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
    batch = sample_batch(batch_key, model, bases, PAIRS)
    rules = [fit_least_squares(batch), *(fit_zero_shot(bases, batch, prompt) for prompt in PROMPTS)]
    right = jnp.stack([right_decisions(test_key, model, bases, rule, TEST_IMAGES)[1] for rule in rules])
    return (right[1:] - right[0]) / TEST_IMAGES


def simulate(seed: int) -> Evidence:
    """Fit both learners to 2000 pairs and test them on 500 conflicting images, 16 times at each of 35 places.

    Panel to prompt, series to ratio: linearised minus least-squares accuracy on conflicting images, over sigma_inv.
    """
    keys = jax.random.split(jax.random.key(seed), (DRAWS, len(RATIOS), len(SIGMAS)))
    over_sigmas = jax.vmap(_gains, in_axes=(0, None, 0))
    over_ratios = jax.vmap(over_sigmas, in_axes=(0, 0, None))
    gains = jit(jax.vmap(over_ratios, in_axes=(0, None, None)))(keys, jnp.array(RATIOS), jnp.array(SIGMAS))
    return {
        prompt: {series_name(ratio): from_draws(SIGMAS, gains[:, i, :, j]) for i, ratio in enumerate(RATIOS)}
        for j, prompt in enumerate(PROMPTS)
    }
