"""S10, simulated: what a background tells of the label, and how often the Bayes classifier is right."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from sims.synthetic.sampler import sample_bases, sample_batch
from sims.theorems.evidence import Evidence, Points, from_counts
from sims.theorems.group_accuracy import GROUP_RATIOS
from theory.model import Scalar, SpuriousModel
from theory.statements.bayes import half_log_odds
from workbench.compilation import jit

MODEL = SpuriousModel(mu_inv=0.9, mu_spu=1.37, sigma_inv=1.21, sigma_spu=0.64, sigma_xi=1.7, image_dim=5, text_dim=2)
RATIOS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
IMAGES = 4000  # of each group, at each ratio
# Windows on the spurious coordinate, 0.1 wide: narrow enough that the posterior moves little inside one.
CENTRES = tuple(np.linspace(-3.0, 3.0, 13).tolist())
WINDOW = 0.1
WINDOW_IMAGES = 200_000
POSTERIOR, ACCURACY = "what the background tells", "accuracy"


def _right(key: Key[Array, ""], ratio: Scalar) -> Float[Array, "2"]:
    model = dataclasses.replace(MODEL, spurious_ratio=ratio)
    bases_key, *group_keys = jax.random.split(key, 3)
    bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
    counts = []
    for group_key, group_ratio in zip(group_keys, GROUP_RATIOS.values(), strict=True):
        batch = sample_batch(group_key, model, bases, IMAGES, group_ratio)
        counts.append(jnp.sum(jnp.where(half_log_odds(model, batch.images @ bases.image) * batch.labels > 0, 1.0, 0.0)))
    return jnp.stack(counts)


def _windows(key: Key[Array, ""]) -> Float[Array, "2 windows"]:
    """Images whose spurious coordinate is in each window, and those among them of class +1."""
    bases_key, batch_key = jax.random.split(key)
    bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
    batch = sample_batch(batch_key, MODEL, bases, WINDOW_IMAGES)
    spurious = batch.images @ bases.image[:, 1]
    inside = jnp.where(jnp.abs(spurious[:, None] - jnp.array(CENTRES)[None, :]) < WINDOW / 2, 1.0, 0.0)
    return jnp.stack([jnp.sum(inside, axis=0), jnp.where(batch.labels > 0, 1.0, 0.0) @ inside])


def simulate(seed: int) -> Evidence:
    """Count labels of 200,000 images by what their background shows, and right decisions of the Bayes classifier.

    Panel `what the background tells`: share of class +1 over the spurious coordinate, at p_spu = 0.9. Panel
    `accuracy`: of the Bayes classifier on 4000 images of each group, over the training ratio.
    """
    window_key, accuracy_key = jax.random.split(jax.random.key(seed))
    inside, positive = np.asarray(jit(_windows)(window_key), float)
    keys = jax.random.split(accuracy_key, len(RATIOS))
    right = np.asarray(jit(jax.vmap(_right))(keys, jnp.array(RATIOS)))
    smoothed = (positive + 1.0) / (inside + 2.0)
    share = Points(np.array(CENTRES), positive / inside, np.sqrt(smoothed * (1.0 - smoothed) / inside))
    return {
        POSTERIOR: {"class +1": share},
        ACCURACY: {group: from_counts(RATIOS, right[:, i], IMAGES) for i, group in enumerate(GROUP_RATIOS)},
    }
