"""Samples of many classes, and what InfoNCE learns from them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from tests import seeds
from tests.theorems.monte_carlo import UNROUND
from theory import SpuriousModel
from theory.statements.many_classes import pair_covariance
from workbench.compilation import jit

PAIRS, ALPHA = 3, 0.7
# Newton's, each shortened: what is left falls fivefold with each, to 3e-6, far below what samples tell.
STEPS = 8


def draw_classes(size, pairs=PAIRS, alpha=ALPHA, model=UNROUND, seed=0, agree_always=None):
    """Images' and captions' coordinates u_1..u_m, s_1..s_m (noise included), and the class (c, b)."""
    rng = seeds.generator(seed)
    c, b = rng.integers(pairs, size=size), rng.choice([-1.0, 1.0], size)
    ratio = model.spurious_ratio if agree_always is None else float(agree_always)
    a = np.where(rng.random(size) < ratio, b, -b)
    own = np.arange(pairs)[None, :] == c[:, None]
    invariant = np.where(own, model.mu_inv * b[:, None], alpha * rng.choice([-1.0, 1.0], (size, pairs)))
    spurious = np.where(own, model.mu_spu * a[:, None], 0.0)
    latent = np.concatenate(
        [
            invariant + model.sigma_inv * rng.normal(size=(size, pairs)),
            spurious + model.sigma_spu * rng.normal(size=(size, pairs)),
        ],
        axis=1,
    )
    image = latent + np.sqrt(model.image_noise_variance) * rng.normal(size=latent.shape)
    text = latent + np.sqrt(model.text_noise_variance) * rng.normal(size=latent.shape)
    return image, text, c, b


def fitted_infonce(alpha, seed, size=384, pairs=4):
    """Reliances of InfoNCE's best critic on one real batch, for both prompts, at the defaults; Newton's iteration."""
    model = SpuriousModel()
    image, text, *_ = draw_classes(size, pairs, alpha, model, seed)
    images, texts = (jnp.stack([part[:, :pairs], part[:, pairs:]], axis=2) for part in (image, text))
    critic = jnp.zeros((2, 2))
    for _ in range(STEPS):
        gradient, hessian = batch_derivatives(critic, images, texts)
        critic = critic - 0.8 * jnp.linalg.solve(hessian.reshape(4, 4), gradient.reshape(4)).reshape(2, 2)
    mean = critic @ jnp.array([model.mu_inv, model.agreement * model.mu_spu])
    return float(critic[1, 0] / critic[0, 0]), float(mean[1] / mean[0])


@functools.partial(jit, long=True)
def batch_derivatives(critic, images, texts):
    def loss(critic):
        scores = jnp.einsum("nki,ij,lkj->nl", images, critic, texts)
        both = jax.nn.logsumexp(scores, axis=1) + jax.nn.logsumexp(scores, axis=0)
        return jnp.mean(both / 2.0 - jnp.diagonal(scores))

    return jax.grad(loss)(critic), jax.hessian(loss)(critic)


def infonce_without_batches(alpha, pairs=4, size=20_000):
    """Reliances of InfoNCE's best critic at the defaults, for infinite batches: the inner expectation is exact."""
    model = SpuriousModel()
    image, text, *_ = draw_classes(size, pairs, alpha, model, seed=3)
    sides = [jnp.stack([part[:, :pairs], part[:, pairs:]], axis=2) for part in (image, text)]
    joint = pairs * np.asarray(pair_covariance(model, pairs, alpha))

    critic = jnp.zeros((2, 2))
    for _ in range(STEPS):
        critic = newton_step(critic, sides, joint, alpha)
    mean = critic @ jnp.array([model.mu_inv, model.agreement * model.mu_spu])
    return float(critic[1, 0] / critic[0, 0]), float(mean[1] / mean[0])


@functools.partial(jit, long=True)
def newton_step(critic, sides, joint, alpha):
    """A step of `infonce_without_batches` at the defaults."""
    model = SpuriousModel()

    def log_partition(critic, side):
        """log E e^s: all pairs as if they were another class's, and the factor by which the own one differs."""
        inv, spu = jnp.moveaxis(side @ critic, 2, 0)
        # Images and texts have the same dimension, so the same noise.
        spread = jnp.sum((side @ critic) ** 2 * model.image_variance[None, None, :], axis=2) / 2.0
        log_cosh = lambda value: jnp.logaddexp(value, -value) - jnp.log(2.0)  # noqa: E731
        other = log_cosh(alpha * inv)
        signs = ((1.0, model.spurious_ratio), (-1.0, 1.0 - model.spurious_ratio))
        own = [jnp.log(share) + log_cosh(model.mu_inv * inv + sign * model.mu_spu * spu) for sign, share in signs]
        factor = jax.nn.logsumexp(jnp.logaddexp(*own) - other, axis=1)
        return jnp.mean(jnp.sum(spread + other, axis=1) + factor)

    def loss(critic):
        both = log_partition(critic, sides[0]) + log_partition(critic.T, sides[1])
        return both / 2.0 - jnp.sum(critic * joint)

    gradient, hessian = jax.grad(loss)(critic), jax.hessian(loss)(critic)
    return critic - 0.8 * jnp.linalg.solve(hessian.reshape(4, 4), gradient.reshape(4)).reshape(2, 2)
