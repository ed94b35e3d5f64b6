"""S4, simulated: how often fixed rules are right on sampled images of the two groups."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from sims.synthetic.sampler import Bases, sample_bases, sample_batch
from sims.theorems.evidence import Evidence, from_counts
from theory.model import SpuriousModel
from workbench.compilation import jit

MODEL = SpuriousModel(mu_inv=0.9, mu_spu=1.37, sigma_inv=1.21, sigma_spu=0.64, sigma_xi=2.3, text_dim=2)
IMAGE_DIMS = (2, 16, 256)
RELIANCES = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
IMAGES = 1500
GROUP_RATIOS = {"aligned": 1.0, "conflicting": 0.0}


def right_decisions(
    key: Key[Array, ""], model: SpuriousModel, bases: Bases, rule: Float[Array, " image_dim"], size: int
) -> Float[Array, "2"]:
    """How many of `size` fresh aligned, then of `size` fresh conflicting images the sign of <v, x> classifies rightly.

    Args:
        key: random key.
        model: what the images are drawn from.
        bases: of the images the rule was learned from.
        rule: v, in image space.
        size: images of each group.
    """
    counts = []
    for group_key, ratio in zip(jax.random.split(key), GROUP_RATIOS.values(), strict=True):
        batch = sample_batch(group_key, model, bases, size, ratio)
        counts.append(jnp.sum(jnp.where((batch.images @ rule) * batch.labels > 0, 1.0, 0.0)))
    return jnp.stack(counts)


def _count(key: Key[Array, ""], image_dim: int) -> Float[Array, "reliances 2"]:
    model = dataclasses.replace(MODEL, image_dim=image_dim)
    bases_key, images_key = jax.random.split(key)
    bases = sample_bases(bases_key, image_dim, int(MODEL.text_dim))
    directions = jnp.stack([jnp.ones(len(RELIANCES)), jnp.array(RELIANCES)], axis=1)
    keys = jax.random.split(images_key, len(RELIANCES))
    return jax.lax.map(
        lambda case: right_decisions(case[0], model, bases, bases.image @ case[1], IMAGES), (keys, directions)
    )


def simulate(seed: int) -> Evidence:
    """Classify 1500 images of each group by rules D_I (1, t), fresh images for every rule and dimension.

    Panel to image dimension, series to group: the share classified rightly over the spurious weight t.
    """
    keys = jax.random.split(jax.random.key(seed), len(IMAGE_DIMS))
    # One program for the three dimensions; its parts have different shapes and cannot be one `vmap`.
    counts = jit(lambda keys: [_count(key, dim) for key, dim in zip(keys, IMAGE_DIMS, strict=True)])(keys)
    return {
        f"{dim} dimensions": {
            group: from_counts(RELIANCES, right[:, index], IMAGES) for index, group in enumerate(GROUP_RATIOS)
        }
        for dim, right in zip(IMAGE_DIMS, counts, strict=True)
    }
