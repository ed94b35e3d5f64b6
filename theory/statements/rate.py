"""S9, convergence rate: how far a finite sample's linearised minimiser is from its population limit.

Statement. Let C_n be the unbiased cross-covariance of n pairs (S1), C its limit (S2), the classes equally frequent.
Exactly, for every n of at least 2,

    E ||C_n - C||_F^2 = M / n - (n - 2) ||Lambda||_F^2 / (n (n - 1)) + s^2 / (n (n - 1)),

    s = E||x||^2 = E||z||^2 + sigma_xi^2,      M = E||x||^2 ||t||^2 = E||z||^4 + 2 sigma_xi^2 E||z||^2 + sigma_xi^4,

with E||z||^2 and E||z||^4 polynomials in the means and deviations. So E ||C_n - C||_F is at most its root, which
falls as n^(-1/2), and by Markov's inequality ||C_n - C||_F <= (that expectation / delta)^(1/2) with probability at
least 1 - delta. Neither depends on `image_dim` or `text_dim`: sigma_xi^2 is the noise of all dimensions together.

What depends on the dimension is where the error lies. Of the rule C_n D_T q, the part outside the signal's plane has

    E r^2 = (1 - 2 / d_I) sigma_xi^2 (q^T Lambda q + ||q||^2 sigma_xi^2 / d_T) / (n - 1),

and it costs accuracy through r^2 sigma_xi^2 / d_I in the variance of the margin (S4): vanishing as d_I grows at fixed
n.

Source: derived here, docs/theory/rate.md; the rate is that of Lemma D.3 of arXiv 2403.11497, without its logarithm.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.model import Scalar, SpuriousModel
from theory.statements.population import latent_covariance


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


def outside_mean_square(model: SpuriousModel, prompt: Float[Array, "2"], samples: Scalar) -> Float[Array, ""]:
    """E r^2 of the rule C_n D_T q outside the signal's plane, for the latent prompt q, shape (2,)."""
    caption_variance = prompt @ latent_covariance(model) @ prompt + jnp.sum(prompt**2) * model.text_noise_variance
    outside = (1.0 - 2.0 / model.image_dim) * jnp.asarray(model.sigma_xi, float) ** 2
    return outside * caption_variance / (samples - 1.0)
