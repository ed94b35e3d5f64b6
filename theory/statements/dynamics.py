"""S16, dynamics: how gradient descent grows the linearised loss's singular directions, and how long InfoNCE follows it.

Statement. Let Z = [W_I^T; W_T^T], of shape (d_I + d_T, h), F = [[0, C], [C^T, 0]], and let the weights be balanced at
the start, W_I W_I^T = W_T W_T^T, which gradient flow on the linearised loss then conserves. The flow is dZ/dt = F Z -
(rho / 2) Z Z^T Z, and

    Z Z^T (t) = e^(F t) Z_0 [I + rho Z_0^T (int_0^t e^(2 F s) ds) Z_0]^(-1) Z_0^T e^(F t).

For weights along the singular vectors of C every singular value grows on its own, logistically,

    g_k(t) = (c_k / rho) / (1 + (c_k / (rho g_k(0)) - 1) e^(-2 c_k t)),

and has reached half of its end c_k / rho at t_k = log(c_k / (rho g_k(0)) - 1) / (2 c_k): the larger one first.

Phases, from a small start, if the singular values of Lambda differ. First the accident of the initial weights; then,
around t_1, the leading eigenvector v of Lambda alone: the rule is v for every prompt, with reliance v_spu / v_inv,
that of an embedding of width 1. It is above 1 exactly where mu_spu^2 + sigma_spu^2 > mu_inv^2 + sigma_inv^2: the
feature of more variance has the larger weight. How much larger depends on how both correlate: near p_spu = 1/2 that
feature is learned alone, at the defaults of `python -m theory` an almost even mixture (reliance 1.23). Then, after t_2,
Lambda q: only now does the prompt matter.

InfoNCE on inner products, for infinitely large batches of centred pairs, has the gradient -C at G = 0, and its
expansion to second order is -<G, C> + <G, Sigma_I G Sigma_T> / 2. Everywhere ||gradient + C||_F <= K ||G||_F with

    K = (bound_T lambda_max(Sigma_I) + bound_I lambda_max(Sigma_T)) / 2,

where bound_M is the largest variance within a component of modality M plus the largest squared length of a
component's mean. Therefore, with c_1 the largest singular value and z_0 = ||Z_0||_F, its flow stays as close to the
linear flow e^(F t) Z_0 as

    ||Z(t) - e^(F t) Z_0||_F <= z_0 e^(c_1 t) K z_0^2 (e^(2 c_1 t) - 1) / (4 c_1),

a share `deviation` of z_0 e^(c_1 t) up to t = log(1 + 4 c_1 deviation / (K z_0^2)) / (2 c_1). The sigmoid loss with
bias b and k negatives a positive has the gradient -sigmoid(-b) C there: the same flow, slower by sigmoid(-b).

Source: the logistic growth is Saxe et al. (arXiv 1312.6120); derived here, docs/theory/dynamics.md.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.mixtures import pairs_of
from theory.model import Caption, Scalar, SpuriousModel
from theory.statements.population import latent_covariance

# The closed form is applied over so many shorter times, since over one long time the direction that grows fastest would
# drown the others in rounding.
_SUBSTEPS = 64


def singular_growth(
    singular: Float[Array, " modes"], start: Float[Array, " modes"], time: Scalar, rho: Scalar = 1.0
) -> Float[Array, " modes"]:
    """g_k(t): how large the singular values of G = W_I^T W_T are at a time, from a start along those of C.

    Args:
        singular: singular values c_k of C, positive.
        start: g_k(0), positive.
        time: of gradient flow: steps times learning rate.
        rho: strength of the regularisation; positive.
    """
    end = singular / rho
    return end / (1.0 + (end / start - 1.0) * jnp.exp(-2.0 * singular * time))


def half_time(
    singular: Float[Array, " modes"], start: Float[Array, " modes"], rho: Scalar = 1.0
) -> Float[Array, " modes"]:
    """t_k: when a singular value has reached half of its end; negative if it starts above."""
    return jnp.log(singular / (rho * start) - 1.0) / (2.0 * singular)


def gram(
    covariance: Float[Array, "image_dim text_dim"], weights: Float[Array, "both embed"], time: Scalar, rho: Scalar = 1.0
) -> Float[Array, "both both"]:
    """Z Z^T at a time, from balanced weights Z_0 = [W_I^T; W_T^T] of shape (image_dim + text_dim, embed).

    Its upper right block, of shape (image_dim, text_dim), is G = W_I^T W_T.

    Args:
        covariance: C, of the pairs trained on.
        weights: Z_0, with W_I W_I^T = W_T W_T^T.
        time: of gradient flow.
        rho: strength of the regularisation; not negative, 0 is the linear flow.
    """
    image_dim, text_dim = covariance.shape
    above = jnp.concatenate([jnp.zeros((image_dim, image_dim)), covariance], axis=1)
    below = jnp.concatenate([covariance.T, jnp.zeros((text_dim, text_dim))], axis=1)
    values, vectors = jnp.linalg.eigh(jnp.concatenate([above, below]))
    step = time / _SUBSTEPS
    # The integral of e^(2 f s) over one step; its limit at f = 0.
    safe = jnp.where(values == 0, 1.0, values)
    integral = jnp.where(values == 0, step, jnp.expm1(2.0 * safe * step) / (2.0 * safe))

    def advance(modes: Float[Array, "both embed"], _: None) -> tuple[Float[Array, "both embed"], None]:
        middle = jnp.eye(weights.shape[1]) + rho * modes.T @ (integral[:, None] * modes)
        grown = jnp.exp(values * step)[:, None] * modes
        return jax.scipy.linalg.solve_triangular(jnp.linalg.cholesky(middle), grown.T, lower=True).T, None

    modes, _ = jax.lax.scan(advance, vectors.T @ weights, None, _SUBSTEPS)
    return vectors @ (modes @ modes.T) @ vectors.T


def leading_reliance(model: SpuriousModel) -> Float[Array, ""]:
    """v_spu / v_inv of the leading eigenvector of Lambda: the reliance of every prompt in the middle phase.

    Not a number where both features have the same variance and do not correlate.
    """
    covariance = latent_covariance(model)
    half_gap = 0.5 * (covariance[1, 1] - covariance[0, 0])
    shared = covariance[0, 1]
    return jnp.where(
        half_gap >= 0,
        (half_gap + jnp.hypot(half_gap, shared)) / shared,
        shared / (jnp.hypot(half_gap, shared) - half_gap),
    )


def gradient_slope_bound(model: SpuriousModel, caption: Caption | None = None) -> Float[Array, ""]:
    """K: InfoNCE's gradient differs from that of the linearised loss, -C, by at most K ||G||_F.

    Args:
        model: parameters of the synthetic model.
        caption: what captions say; `latent` unless given.
    """
    pairs = pairs_of(model, caption or Caption())
    bounds, tops = [], []
    for mixture in (pairs.images, pairs.captions):
        occurs = mixture.weights > 0
        variance = jnp.max(jnp.where(occurs, jnp.max(mixture.variances, axis=1), 0.0))
        bounds.append(variance + jnp.max(jnp.where(occurs, jnp.sum(mixture.means**2, axis=1), 0.0)))
        second = jnp.einsum("k,ki,kj->ij", mixture.weights, mixture.means, mixture.means)
        second = second + jnp.diag(mixture.weights @ mixture.variances)
        # Outside the plane variances and second moments are the noise's, which inside are exceeded.
        tops.append(jnp.linalg.eigvalsh(second)[-1])
    return 0.5 * (bounds[1] * tops[0] + bounds[0] * tops[1])


def following_time(
    model: SpuriousModel, start_norm: Scalar, deviation: Scalar, caption: Caption | None = None
) -> Float[Array, ""]:
    """How long InfoNCE's flow surely stays within `deviation` (a share of z_0 e^(c_1 t)) of the linear flow.

    Args:
        model: parameters of the synthetic model.
        start_norm: z_0, the Frobenius norm of all weights at the start.
        deviation: the share, positive.
        caption: what captions say; `latent` unless given.
    """
    top = jnp.linalg.norm(pairs_of(model, caption or Caption()).joint_moment, ord=2)
    slope = gradient_slope_bound(model, caption)
    return jnp.log1p(4.0 * top * deviation / (slope * start_norm**2)) / (2.0 * top)
