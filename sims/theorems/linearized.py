"""S1, simulated: encoders trained by gradient descent reach the sample cross-covariance, cut to their width."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from sims.synthetic.sampler import Batch, sample_bases, sample_batch
from sims.theorems.evidence import Evidence, from_draws
from theory.model import SpuriousModel
from theory.statements.linearized import linearized_minimiser
from workbench.compilation import jit

MODEL = SpuriousModel(
    spurious_ratio=0.83, mu_inv=0.9, mu_spu=1.37, sigma_inv=1.21, sigma_spu=0.64, sigma_xi=2.3, image_dim=5, text_dim=6
)
WIDTHS = (1, 2, 3, 4)
PAIRS, SAMPLES = 24, 16
STEPS, LEARNING_RATE = 1000, 0.1
SHOWN = (0, 1, 3, 10, 20, 30, 50, 70, 100, 150, 200, 300, 500, 1000)  # steps


def printed_loss(
    image_weights: Float[Array, "width image_dim"], text_weights: Float[Array, "width text_dim"], batch: Batch
) -> Float[Array, ""]:
    """The linearised loss at rho = 1 as Eq. (D.2) prints it, a double sum over pairs of different images and texts."""
    similarities = (batch.images @ image_weights.T) @ (batch.texts @ text_weights.T).T
    size = similarities.shape[0]
    matching = jnp.diag(similarities)[:, None]
    different = 1.0 - jnp.eye(size)
    pairs = jnp.sum(different * (similarities - matching + similarities.T - matching))
    return pairs / (2 * size * (size - 1)) + 0.5 * jnp.sum((image_weights.T @ text_weights) ** 2)


def _train(key: Key[Array, ""], width: int) -> tuple[Float[Array, " rank"], Float[Array, " rank"], Float[Array, "..."]]:
    """Singular values of the sample's cross-covariance and of the trained product, and its distance by step."""
    # The width is left out of the data's key, so that every width trains on the same samples.
    bases_key, batch_key, image_key, text_key = jax.random.split(key, 4)
    bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
    batch = sample_batch(batch_key, MODEL, bases, PAIRS)
    images, texts = (values - jnp.mean(values, axis=0, keepdims=True) for values in (batch.images, batch.texts))
    covariance = images.T @ texts / (PAIRS - 1)
    target = linearized_minimiser(covariance, width)
    start = tuple(
        0.3 * jax.random.normal(weights_key, (width, dim))
        for weights_key, dim in ((image_key, int(MODEL.image_dim)), (text_key, int(MODEL.text_dim)))
    )

    def distance(weights: tuple[Array, ...]) -> Array:
        return jnp.linalg.norm(weights[0].T @ weights[1] - target) / jnp.linalg.norm(target)

    def step(weights: tuple[Array, ...], _: None) -> tuple[tuple[Array, ...], Array]:
        gradients = jax.grad(lambda both: printed_loss(both[0], both[1], batch))(weights)
        new = tuple(weight - LEARNING_RATE * gradient for weight, gradient in zip(weights, gradients, strict=True))
        return new, distance(new)

    weights, distances = jax.lax.scan(step, start, None, length=STEPS)
    distances = jnp.concatenate([distance(start)[None], distances])
    reached = jnp.linalg.svd(weights[0].T @ weights[1], compute_uv=False)
    return jnp.linalg.svd(covariance, compute_uv=False), reached, distances[jnp.array(SHOWN)]


def simulate(seed: int) -> Evidence:
    """Train image and text encoders of four widths on samples of 24 pairs, by gradient descent on the printed loss.

    Panel `singular values`: those of W_I^T W_T after the last step, by their rank, and those of the sample's own
    cross-covariance, which no training has seen. Panel `distance`: from W_I^T W_T to the closed-form minimiser, as a
    share of its size, by step. Means over 16 samples, each with its own start.
    """
    keys = jax.random.split(jax.random.key(seed), SAMPLES)
    trained = jit(lambda keys: [jax.vmap(lambda key, width=width: _train(key, width))(keys) for width in WIDTHS])(keys)
    ranks = jnp.arange(1, min(MODEL.image_dim, MODEL.text_dim) + 1)
    covariance = {"cross-covariance": from_draws(ranks, trained[0][0])}
    names = [f"width {width}" for width in WIDTHS]
    return {
        "singular values": covariance
        | {name: from_draws(ranks, reached) for name, (_, reached, _) in zip(names, trained, strict=True)},
        "distance": {name: from_draws(SHOWN, moved) for name, (_, _, moved) in zip(names, trained, strict=True)},
    }
