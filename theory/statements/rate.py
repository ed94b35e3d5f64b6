"""S9, convergence rate: how far a finite sample's linearised minimiser is from its population limit.

Statement. Let C_n be the unbiased cross-covariance of n pairs (S1), C its limit (S2), the classes equally frequent.
rho = 1. An embedding as wide as the data, h >= min(d_I, d_T), has the minimiser C_n. Exactly, for every n of at
least 2,

    E ||C_n - C||_F^2 = M / n - (n - 2) ||Lambda||_F^2 / (n (n - 1)) + s^2 / (n (n - 1)),

    s = E||x||^2 = E||z||^2 + sigma_xi^2,      M = E||x||^2 ||t||^2 = E||z||^4 + 2 sigma_xi^2 E||z||^2 + sigma_xi^4,

with E||z||^2 and E||z||^4 polynomials in the means and deviations. So E ||C_n - C||_F is at most its root, which
falls as n^(-1/2), and by Markov's inequality ||C_n - C||_F <= (that expectation / delta)^(1/2) with probability at
least 1 - delta. Neither depends on `image_dim` or `text_dim`: sigma_xi^2 is the noise of all dimensions together.

A narrower embedding has the minimiser (C_n)_h, cut to rank h, and the limit C_h. Cutting removes error: with Lambda
regular, to leading order in 1 / n,

    h >= 2:  E ||(C_n)_h - C||_F^2 = E ||C_n - C||_F^2 - (1 - f) (1 - 2 / d_I) (1 - 2 / d_T) sigma_xi^4 / (n - 1),

where f is the share of the h - 2 largest among the squared singular values of a Gaussian matrix of d_I - 2 by d_T - 2:
f = 0 at h = 2, f = 1 from h = min(d_I, d_T) on. In between f is taken for large dimensions, with m = min(d_I, d_T) - 2,
c = m / (max(d_I, d_T) - 2) and theta from 0 to pi, from the law of Marchenko and Pastur:

    f = (theta - sin(theta) cos(theta)) / pi      where
    (h - 2) / m = [(1 + c) theta - 2 c^(1/2) sin(theta)
                       - 2 (1 - c) arctan((1 - c^(1/2)) / (1 + c^(1/2)) tan(theta / 2))] / (2 pi c).

h = 1 keeps the leading direction alone, whose own error is divided by the gap of the eigenvalues c_1 > c_2 of Lambda.
With z'_1, z'_2 the latent in their directions, tau_M^2 = sigma_xi^2 / d_M and V_kl = E z'_k^2 z'_l^2 + tau_I^2 c_l +
tau_T^2 c_k + tau_I^2 tau_T^2, less c_1^2 at k = l = 1,

    n E ||(C_n)_1 - C_1||_F^2 = V_11 + (d_I - 2) tau_I^2 (c_1 + tau_T^2) + (d_T - 2) tau_T^2 (c_1 + tau_I^2)
        + c_1^2 [(c_1^2 + c_2^2) (V_21 + V_12) + 4 c_1 c_2 E z'_1^2 z'_2^2] / (c_1^2 - c_2^2)^2.

What depends on the dimension is where the error lies. Of the rule C_n D_T q, the part outside the signal's plane has

    E r^2 = (1 - 2 / d_I) sigma_xi^2 (q^T Lambda q + ||q||^2 sigma_xi^2 / d_T) / (n - 1),

exactly for C_n, and to leading order for (C_n)_h with h >= 2: cutting takes nothing from the caption's plane. It costs
accuracy through r^2 sigma_xi^2 / d_I in the variance of the margin (S4): vanishing as d_I grows at fixed n.

Source: derived here, docs/theory/rate.md; the rate is that of Lemma D.3 of arXiv 2403.11497, without its logarithm.
The law of the singular values is Marchenko and Pastur's (1967).
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theory.bisection import bisect
from theory.model import Scalar, SpuriousModel
from theory.statements.population import latent_covariance

# The data's smaller and larger side.
_SIDES = (jnp.minimum, jnp.maximum)
# Of an interval of length pi, down to double precision.
_HALVINGS = 54


@jax.jit
def mean_square_error(model: SpuriousModel, samples: Scalar) -> Float[Array, ""]:
    """E ||C_n - C||_F^2 for n = `samples` pairs, at least 2."""
    mean, variance = model.latent_mean**2, model.latent_sigma**2
    square = mean + variance  # E z_k^2
    fourth = mean**2 + 6.0 * mean * variance + 3.0 * variance**2  # E z_k^4
    norm_square = jnp.sum(square)
    norm_fourth = jnp.sum(fourth) + 2.0 * square[0] * square[1]
    noise = jnp.asarray(model.sigma_xi, float) ** 2
    product = norm_fourth + 2.0 * noise * norm_square + noise**2
    signal = jnp.sum(latent_covariance(model) ** 2)
    pairs = samples * (samples - 1.0)
    return product / samples - (samples - 2.0) / pairs * signal + (norm_square + noise) ** 2 / pairs


def error_bound(model: SpuriousModel, samples: Scalar, failure: Scalar = 1.0) -> Float[Array, ""]:
    """What ||C_n - C||_F exceeds with probability at most `failure`; at 1, what its mean does not exceed."""
    return jnp.sqrt(mean_square_error(model, samples) / failure)


@functools.partial(jax.jit, static_argnames="embed_dim")
def truncated_mean_square_error(model: SpuriousModel, samples: Scalar, embed_dim: int) -> Float[Array, ""]:
    """E ||(C_n)_h - C_h||_F^2 of the minimiser of width h = `embed_dim`, to leading order in 1 / n.

    Exact where the embedding is as wide as the data; for widths from 3 up to there also to leading order in the
    dimensions. Infinite for width 1 where the two eigenvalues of Lambda are equal: the limit is not unique there.

    Raises:
        ValueError: `embed_dim` below 1.
    """
    if embed_dim < 1:
        raise ValueError(f"embed_dim must be at least 1, got {embed_dim}")
    if embed_dim == 1:
        return _leading_mean_square_error(model) / samples
    smaller, larger = (jnp.asarray(side(model.image_dim, model.text_dim), float) - 2.0 for side in _SIDES)
    shares = (1.0 - 2.0 / model.image_dim) * (1.0 - 2.0 / model.text_dim)
    outside = shares * jnp.asarray(model.sigma_xi, float) ** 4 / (samples - 1.0)
    # Where nothing is outside, `outside` is 0 and any share will do.
    kept = largest_share((embed_dim - 2.0) / jnp.maximum(smaller, 1.0), smaller / jnp.maximum(larger, 1.0))
    return mean_square_error(model, samples) - (1.0 - kept) * outside


def largest_share(kept: Scalar, aspect: Scalar) -> Float[Array, ""]:
    """f: how much of a large Gaussian matrix's squared length is in its largest singular values.

    Args:
        kept: the share of all singular values that are counted, largest first; 1 or more is all of them.
        aspect: c, the smaller side over the larger, above 0 and at most 1.
    """
    root = jnp.sqrt(jnp.asarray(aspect, float))
    slope = (1.0 - root) / (1.0 + root)

    def share_above(theta: Float[Array, ""]) -> Float[Array, ""]:
        turned = 2.0 * (1.0 - root**2) * jnp.arctan2(slope * jnp.sin(theta / 2.0), jnp.cos(theta / 2.0))
        return ((1.0 + root**2) * theta - 2.0 * root * jnp.sin(theta) - turned) / (2.0 * jnp.pi * root**2)

    theta = bisect(lambda theta: kept - share_above(theta), 0.0, jnp.pi, _HALVINGS)
    theta = jnp.where(jnp.asarray(kept) < 1.0, theta, jnp.pi)
    theta = jnp.where(jnp.asarray(kept) > 0.0, theta, 0.0)
    return (theta - jnp.sin(theta) * jnp.cos(theta)) / jnp.pi


def _leading_mean_square_error(model: SpuriousModel) -> Float[Array, ""]:
    """The limit of n E ||(C_n)_1 - C_1||_F^2 as n grows."""
    values, vectors = jnp.linalg.eigh(latent_covariance(model))
    top, other = values[1], values[0]
    turned = vectors[:, ::-1]
    # E z_i z_j z_k z_l by how many of the four indices are the spurious feature's.
    (m_inv, m_spu), (v_inv, v_spu) = model.latent_mean, model.latent_sigma**2
    by_count = jnp.stack(
        [
            m_inv**4 + 6.0 * m_inv**2 * v_inv + 3.0 * v_inv**2,
            model.agreement * (m_inv**3 + 3.0 * m_inv * v_inv) * m_spu,
            (m_inv**2 + v_inv) * (m_spu**2 + v_spu),
            model.agreement * m_inv * (m_spu**3 + 3.0 * m_spu * v_spu),
            m_spu**4 + 6.0 * m_spu**2 * v_spu + 3.0 * v_spu**2,
        ]
    )
    fourth = by_count[np.sum(np.indices((2, 2, 2, 2)), axis=0)]
    both = jnp.einsum("ijkl,ia,ja,kb,lb->ab", fourth, turned, turned, turned, turned)
    of_image, of_text = model.image_noise_variance, model.text_noise_variance
    size = values[::-1]
    # Variance of n^(1/2) times each entry: rows are the image's direction, columns the caption's.
    entry = both + of_image * size[None, :] + of_text * size[:, None] + of_image * of_text
    outside = (model.image_dim - 2.0) * of_image * (top + of_text) + (model.text_dim - 2.0) * of_text * (top + of_image)
    turning = (top**2 + other**2) * (entry[1, 0] + entry[0, 1]) + 4.0 * top * other * both[0, 1]
    return entry[0, 0] - top**2 + outside + top**2 * turning / (top**2 - other**2) ** 2


def outside_mean_square(model: SpuriousModel, prompt: Float[Array, "2"], samples: Scalar) -> Float[Array, ""]:
    """E r^2 of the rule C_n D_T q outside the signal's plane, for the latent prompt q, shape (2,)."""
    caption_variance = prompt @ latent_covariance(model) @ prompt + jnp.sum(prompt**2) * model.text_noise_variance
    outside = (1.0 - 2.0 / model.image_dim) * jnp.asarray(model.sigma_xi, float) ** 2
    return outside * caption_variance / (samples - 1.0)
