"""S2, simulated: the sample cross-covariance against the spurious ratio."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from sims.synthetic.sampler import sample_bases, sample_batch
from sims.theorems.evidence import Evidence, from_draws
from theory.model import Scalar, SpuriousModel
from workbench.compilation import jit

# mu_inv is 1 because Lemma D.3, which the figure shows beside the limit, takes it so.
MODEL = SpuriousModel(mu_inv=1.0, mu_spu=1.6, sigma_inv=1.21, sigma_spu=0.64, sigma_xi=1.7, image_dim=5, text_dim=7)
RATIOS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
PAIRS, DRAWS = 1000, 40
# Entry to row and column; the matrix is symmetric.
ENTRIES = {"invariant variance": (0, 0), "covariance of the two": (0, 1), "spurious variance": (1, 1)}


def _estimate(key: Key[Array, ""], ratio: Scalar) -> Float[Array, "2 2"]:
    model = dataclasses.replace(MODEL, spurious_ratio=ratio)
    bases_key, batch_key = jax.random.split(key)
    bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
    batch = sample_batch(batch_key, model, bases, PAIRS)
    images, texts = (values - jnp.mean(values, axis=0, keepdims=True) for values in (batch.images, batch.texts))
    return bases.image.T @ (images.T @ texts / (PAIRS - 1)) @ bases.text


def simulate(seed: int) -> Evidence:
    """Estimate the cross-covariance of image and text, noise and all, from 1000 pairs, 40 times at every ratio.

    Panel to entry of D_I^T C D_T, series `sample` over the ratio p_spu.
    """
    keys = jax.random.split(jax.random.key(seed), (DRAWS, len(RATIOS)))
    estimates = jit(jax.vmap(jax.vmap(_estimate), in_axes=(0, None)))(keys, jnp.array(RATIOS))
    return {
        entry: {"sample": from_draws(RATIOS, estimates[:, :, row, column])} for entry, (row, column) in ENTRIES.items()
    }
