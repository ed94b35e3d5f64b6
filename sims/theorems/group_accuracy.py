"""S4 and S19, simulated: how often fixed rules are right on sampled images of the two groups.

S4 counts right decisions of rules that rely more or less on the background. S19 adds noise to their scores: rules with
one reliance then lie on one line on probit axes.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from sims.synthetic.sampler import Bases, sample_bases, sample_batch
from sims.theorems.evidence import Evidence, Points, from_counts
from theory.model import Scalar, SpuriousModel
from theory.statements.accuracy_on_the_line import probit
from workbench.compilation import jit

MODEL = SpuriousModel(mu_inv=0.9, mu_spu=1.37, sigma_inv=1.21, sigma_spu=0.64, sigma_xi=2.3, text_dim=2)
IMAGE_DIMS = (2, 16, 256)
RELIANCES = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
IMAGES = 1500
GROUP_RATIOS = {"aligned": 1.0, "conflicting": 0.0}
GROUP_ACCURACY_PANELS = {f"{dim} dimensions": tuple(GROUP_RATIOS) for dim in IMAGE_DIMS}


def right_decisions(
    key: Key[Array, ""], model: SpuriousModel, bases: Bases, rule: Float[Array, " image_dim"], size: int
) -> Float[Array, "2"]:
    """How many of `size` fresh aligned and of `size` fresh conflicting images the sign of <v, x> classifies rightly.

    Args:
        key: random key.
        model: the model that the images are drawn from.
        bases: the bases of the images from which the rule was learned.
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


def simulate_group_accuracy(seed: int) -> Evidence:
    """Classify 1500 images of each group with rules D_I (1, t), with fresh images for every rule and dimension.

    A panel for each image dimension, a series for each group: the share classified rightly over the spurious weight t.
    """
    keys = jax.random.split(jax.random.key(seed), len(IMAGE_DIMS))
    # One compiled program for the three dimensions; their arrays differ in shape, so `vmap` cannot join them.
    counts = jit(lambda keys: [_count(key, dim) for key, dim in zip(keys, IMAGE_DIMS, strict=True)])(keys)
    return {
        f"{dim} dimensions": {
            group: from_counts(RELIANCES, right[:, index], IMAGES) for index, group in enumerate(GROUP_RATIOS)
        }
        for dim, right in zip(IMAGE_DIMS, counts, strict=True)
    }


LINE_MODEL = SpuriousModel(mu_inv=1.4, mu_spu=1.0, sigma_inv=0.8, sigma_spu=0.64, sigma_xi=0.8, image_dim=5, text_dim=2)
LINE_RELIANCES = (0.0, 0.3, 0.6, 1.0, 1.6)
FURTHER_VARIANCES = (0.0, 0.6, 2.0, 8.0)  # of independent noise in a rule's score; a better model has less
LINE_IMAGES = 4000
PROBITS = "probits"


def line_series(reliance: float) -> str:
    """Name of the series of the rules with one reliance."""
    return f"t = {reliance:g}"


LINE_PANELS = {PROBITS: tuple(map(line_series, LINE_RELIANCES))}


def _shares(key: Key[Array, ""], reliance: Scalar, variance: Scalar) -> Float[Array, "2"]:
    bases_key, *group_keys = jax.random.split(key, 3)
    bases = sample_bases(bases_key, int(LINE_MODEL.image_dim), int(LINE_MODEL.text_dim))
    rule = bases.image @ jnp.stack([jnp.ones(()), reliance])
    shares = []
    for group_key, ratio in zip(group_keys, GROUP_RATIOS.values(), strict=True):
        batch_key, noise_key = jax.random.split(group_key)
        batch = sample_batch(batch_key, LINE_MODEL, bases, LINE_IMAGES, ratio)
        score = batch.images @ rule + jnp.sqrt(variance) * jax.random.normal(noise_key, (LINE_IMAGES,))
        shares.append(jnp.mean(jnp.where(score * batch.labels > 0, 1.0, 0.0)))
    return jnp.stack(shares)


def simulate_accuracy_on_the_line(seed: int) -> Evidence:
    """Measure rules on 4000 images of each group: five reliances t, four amounts of further noise in the score.

    Panel `probits`, a series for each reliance: the probit on conflicting images over the probit on aligned ones.
    """
    keys = jax.random.split(jax.random.key(seed), (len(LINE_RELIANCES), len(FURTHER_VARIANCES)))
    over_noise = jax.vmap(_shares, in_axes=(0, None, 0))
    shares = jit(jax.vmap(over_noise, in_axes=(0, 0, None)))(
        keys, jnp.array(LINE_RELIANCES), jnp.array(FURTHER_VARIANCES)
    )
    series = {}
    for i, reliance in enumerate(LINE_RELIANCES):
        aligned, conflicting = (probit(shares[i, :, group], jnp.asarray(float(LINE_IMAGES))) for group in (0, 1))
        parts = (aligned.value, conflicting.value, conflicting.standard_error)
        series[line_series(reliance)] = Points(*(np.asarray(part, float) for part in parts))
    return {PROBITS: series}
