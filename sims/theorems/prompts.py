"""S17, simulated: mixtures of the label and the class-mean prompt, for learners fitted to samples."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from sims.synthetic.sampler import Bases, sample_bases, sample_batch
from sims.theorems.bilinear import fit_infonce
from sims.theorems.evidence import Evidence, from_draws
from sims.theorems.group_accuracy import right_decisions
from theory.model import SpuriousModel
from theory.statements.prompts import mixed_prompt
from workbench.compilation import jit

MODEL = SpuriousModel(mu_inv=0.9, mu_spu=1.1, sigma_inv=1.21, sigma_spu=0.64, sigma_xi=0.8, image_dim=5, text_dim=7)
SHARES = (-0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
LEARNERS = ("linearized", "infonce_bilinear")
PAIRS, TEST_IMAGES, DRAWS = 512, 1000, 24
WORST = "worse group"


def _accuracies(key: Key[Array, ""]) -> Float[Array, "learners shares"]:
    """Accuracy in the worse group of each learner with each prompt."""
    bases_key, batch_key, test_key = jax.random.split(key, 3)
    bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
    batch = sample_batch(batch_key, MODEL, bases, PAIRS)
    images, texts = batch.images @ bases.image, batch.texts @ bases.text
    centred = images - jnp.mean(images, axis=0)[None, :]
    critics = centred.T @ texts / PAIRS, fit_infonce(images, texts, 0.5)
    prompts = jax.vmap(lambda share: mixed_prompt(MODEL, share))(jnp.array(SHARES))
    return jnp.stack([_worst(test_key, bases, prompts @ critic.T) for critic in critics])


def _worst(key: Key[Array, ""], bases: Bases, rules: Float[Array, "shares 2"]) -> Float[Array, " shares"]:
    right = jax.lax.map(lambda rule: right_decisions(key, MODEL, bases, bases.image @ rule, TEST_IMAGES), rules)
    return jnp.min(right, axis=1) / TEST_IMAGES


def simulate(seed: int) -> Evidence:
    """Fit both losses to 512 pairs, 24 times, and classify 1000 fresh images of each group with every prompt.

    Panel `worse group`, series to learner: the smaller accuracy of the two groups over the class mean's share.
    """
    accuracies = jit(lambda keys: jax.lax.map(_accuracies, keys))(jax.random.split(jax.random.key(seed), DRAWS))
    return {WORST: {name: from_draws(SHARES, accuracies[:, i]) for i, name in enumerate(LEARNERS)}}
