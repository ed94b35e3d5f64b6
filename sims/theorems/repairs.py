"""S30, simulated: repairs on the embeddings of balanced encoders that are fitted to samples.

Every repair is the function of arrays of `theory.repairs` that the other programs use. One panel varies the weight of
the background that is taken out of the prompt, the other the spurious ratio.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from sims.repairs.scores import PLAIN, Texts, repaired_scores, share_right
from sims.synthetic.sampler import Bases, Batch, sample_bases, sample_batch, sample_pairs
from sims.theorems.critics import fit_infonce
from sims.theorems.evidence import Evidence, from_draws
from theory import repairs
from theory.model import Caption, Scalar, SpuriousModel
from theory.names import REPAIRS
from workbench.compilation import jit

MODEL = SpuriousModel(mu_inv=0.9, mu_spu=1.1, sigma_inv=1.21, sigma_spu=0.64, sigma_xi=0.8, image_dim=5, text_dim=7)
WEIGHTS = (-0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0)
RATIOS = (0.6, 0.7, 0.8, 0.9, 0.97)
LEARNERS = ("linearized", "infonce_bilinear")
# Calibrated and roboshot decide as projection, perception as none.
SHOWN = (PLAIN, "projection", "tie", "whitened", "subtract", "mixture")
WORST, CONFLICTING = "worse group", "conflicting images"
PANELS = {WORST: LEARNERS, CONFLICTING: SHOWN}
PAIRS, TEST_IMAGES, DRAWS = 512, 2000, 16  # for the weights
RATIO_PAIRS, UNLABELLED = 4000, 4000  # for the ratios, with label-attribute captions


class Encoders(NamedTuple):
    """Two linear encoders with W_I W_I^T = W_T W_T^T; an embedding is an image or a text times its matrix."""

    image: Float[Array, "image_dim width"]
    text: Float[Array, "text_dim width"]


def balance(critic: Float[Array, "image_dim text_dim"], width: int) -> Encoders:
    """Balanced encoders whose critic is the best approximation of this rank."""
    left, singular, right = jnp.linalg.svd(critic, full_matrices=False)
    roots = jnp.sqrt(singular[:width])
    return Encoders(left[:, :width] * roots[None, :], right[:width].T * roots[None, :])


def fit(bases: Bases, batch: Batch, learner: str) -> Encoders:
    """Balanced encoders of width 2 that minimise a loss over a sample, InfoNCE in the signal's plane."""
    images = batch.images - jnp.mean(batch.images, axis=0, keepdims=True)
    if learner == "linearized":
        return balance(images.T @ batch.texts / images.shape[0], 2)
    critic = fit_infonce(batch.images @ bases.image, batch.texts @ bases.text, 0.5)
    return balance(bases.image @ critic @ bases.text.T, 2)


def _signed(row: Float[Array, " width"]) -> Float[Array, "2 width"]:
    return jnp.stack([-row, row])


def _over_weights(key: Key[Array, ""]) -> Float[Array, "learners weights"]:
    """Accuracy in the worse group of each learner with each weight."""
    bases_key, batch_key, test_key = jax.random.split(key, 3)
    bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
    batch = sample_batch(batch_key, MODEL, bases, PAIRS)
    test = sample_batch(test_key, MODEL, bases, 2 * TEST_IMAGES, jnp.repeat(jnp.array([1.0, 0.0]), TEST_IMAGES))
    rows = []
    for learner in LEARNERS:
        encoders = fit(bases, batch, learner)
        images, prompts = test.images @ encoders.image, bases.text.T @ encoders.text

        def worst(weight: Scalar, images: Array = images, prompts: Array = prompts) -> Float[Array, ""]:
            repaired = repairs.subtract(_signed(prompts[0]), _signed(prompts[1]), weight)
            scores, sizes = images @ repaired.T, (slice(TEST_IMAGES), slice(TEST_IMAGES, None))
            return jnp.min(jnp.stack([share_right(scores[part], test.labels[part]) for part in sizes]))

        rows.append(jax.lax.map(worst, jnp.array(WEIGHTS)))
    return jnp.stack(rows)


def _over_ratios(key: Key[Array, ""], ratio: Scalar) -> Float[Array, " repairs"]:
    """Accuracy of the linearised learner on conflicting images with each repair, for label-attribute captions."""
    model, caption = dataclasses.replace(MODEL, spurious_ratio=ratio), Caption("label-attribute")
    bases_key, batch_key, test_key, more_key = jax.random.split(key, 4)
    bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
    batch = sample_pairs(batch_key, model, bases, caption, RATIO_PAIRS)
    encoders = fit(bases, batch, "linearized")
    test = sample_batch(test_key, model, bases, TEST_IMAGES, 0.0)
    images = test.images @ encoders.image
    unlabelled = sample_batch(more_key, model, bases, UNLABELLED).images @ encoders.image
    prompts, captions = bases.text.T @ encoders.text, batch.texts @ encoders.text
    mean = jnp.mean(captions * batch.labels[:, None], axis=0)
    centred = captions - jnp.mean(captions, axis=0, keepdims=True)
    both = _signed(prompts[0]), _signed(prompts[1])
    pairs = both[0][:, None, :] + both[1][None, :, :]
    texts = Texts(*both, pairs, _signed(mean), centred.T @ centred / RATIO_PAIRS)
    found = []
    for name in SHOWN:
        scores = repaired_scores(name, images, texts, unlabelled, REPAIRS.get(name) or 0.0)
        found.append(share_right(scores, test.labels))
    return jnp.stack(found)


def simulate(seed: int) -> Evidence:
    """Fit balanced encoders to samples, 16 times, and classify 2000 fresh images of a group with each repair.

    Panel `worse group`: latent captions, 512 pairs, a series for each learner, over the weight of `subtract`. Panel
    `conflicting images`: label-attribute captions, 4000 pairs, the linearised learner, a series for each repair, over
    the spurious ratio.
    """
    keys = jax.random.split(jax.random.key(seed), 2)
    weights = jit(lambda keys: jax.lax.map(_over_weights, keys))(jax.random.split(keys[0], DRAWS))
    cases = jax.random.split(keys[1], (DRAWS, len(RATIOS)))
    over = jax.vmap(_over_ratios)
    ratios = jit(lambda keys: jax.lax.map(lambda each: over(each, jnp.array(RATIOS)), keys))(cases)
    return {
        WORST: {name: from_draws(WEIGHTS, weights[:, place]) for place, name in enumerate(LEARNERS)},
        CONFLICTING: {name: from_draws(RATIOS, ratios[:, :, place]) for place, name in enumerate(SHOWN)},
    }
