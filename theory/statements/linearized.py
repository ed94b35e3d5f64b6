"""S1, minimiser: what the linearised contrastive loss learns.

Statement. On n pairs, with G = W_I^T W_T and C the unbiased cross-covariance of images and texts, the linearised
contrastive loss is exactly

    L(W_I, W_T) = -<G, C> + (rho / 2) ||G||_F^2.

Its minimisers are the factorisations of G = C_h / rho, where C_h keeps the h largest singular values of C and h
is the embedding width: the best approximation of rank h (Eckart-Young). C_h is unique when the h-th singular
value exceeds the next. In the population limit C = D_I Lambda D_T^T has rank at most 2 (S2), so a width of 2 or
more loses nothing, and a width of 1 keeps only the leading eigenvector of Lambda.

Source: the loss is Eq. (D.2) of arXiv 2403.11497 (after Nakada et al. 2023); derived here,
docs/theory/minimiser.md.
"""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.model import Scalar


def truncate_rank(matrix: Float[Array, "rows columns"], rank: int) -> Float[Array, "rows columns"]:
    """Best approximation of a matrix, in Frobenius norm, among those of rank at most `rank`.

    Raises:
        ValueError: `rank` below 1.
    """
    if rank < 1:
        raise ValueError(f"rank must be at least 1, got {rank}")
    if rank >= min(matrix.shape):
        return matrix
    left, singular_values, right = jnp.linalg.svd(matrix, full_matrices=False)
    return (left[:, :rank] * singular_values[None, :rank]) @ right[:rank]


@functools.partial(jax.jit, static_argnames="embed_dim")
def linearized_minimiser(
    cross_covariance: Float[Array, "image_dim text_dim"], embed_dim: int, rho: Scalar = 1.0
) -> Float[Array, "image_dim text_dim"]:
    """The product W_I^T W_T that minimises the linearised loss, of rank at most `embed_dim`.

    Args:
        cross_covariance: of the images and texts trained on: a sample's (divided by n - 1) or the population's.
        embed_dim: width h of the embedding; at least 1.
        rho: strength of the regularisation; positive. It sets the scale of the minimiser, not its direction.

    Raises:
        ValueError: `embed_dim` below 1.
    """
    return truncate_rank(cross_covariance, embed_dim) / rho
