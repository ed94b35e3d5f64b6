"""Sums over all pairs of a batch, which contrastive losses are made of: dense, in blocks, or round a ring of devices.

The three give the same values and gradients, up to the order of summation; which one computes them depends on the
batch alone: dense if it is small, in blocks of rows if it is large, and round the ring if a mesh in use splits it.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from sims.pairwise import blocks, ring


def both_logsumexps(
    images: Float[Array, "size embed"], texts: Float[Array, "size embed"]
) -> tuple[Float[Array, " size"], Float[Array, " size"]]:
    """Log sum_j e^<images_i, texts_j> of every row i, and log sum_i of every column j.

    Args:
        images: shape (size, embed).
        texts: shape (size, embed).
    """
    if (mesh := ring.splitting_mesh()) is not None:
        return ring.logsumexps(images, texts, mesh)
    if blocks.is_large(images.shape[0]):
        return blocks.logsumexps(images, texts, blocks.BLOCK)
    return blocks.dense_logsumexps(images, texts)


def row_logsumexps(images: Float[Array, "size embed"], texts: Float[Array, "size embed"]) -> Float[Array, " size"]:
    """Log sum_j e^<images_i, texts_j> of every row i alone; arguments as above."""
    if blocks.is_large(images.shape[0]) or ring.splitting_mesh() is not None:
        # The columns' part costs no matrix product, so that a kernel of its own would gain little.
        return both_logsumexps(images, texts)[0]
    return jax.nn.logsumexp(images @ texts.T, axis=1)


def softplus_sum(
    images: Float[Array, "size embed"], texts: Float[Array, "size embed"], bias: Float[Array, ""]
) -> Float[Array, ""]:
    """sum_ij log(1 + e^(<images_i, texts_j> + bias)); arguments as above."""
    if (mesh := ring.splitting_mesh()) is not None:
        return ring.softplus_sum(images, texts, bias, mesh)
    if blocks.is_large(images.shape[0]):
        return blocks.softplus_sum(images, texts, bias, blocks.BLOCK)
    return jnp.sum(jax.nn.softplus(images @ texts.T + bias))
