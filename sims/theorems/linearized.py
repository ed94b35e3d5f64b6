"""S1, S2 and S9, simulated: the minimiser of the linearised loss, on a sample and in its limit.

S1 trains encoders by gradient descent. Their product reaches the sample's cross-covariance, or its best approximation
of the encoders' width. S2 compares that matrix with the population's. S9 measures how fast it gets there as the sample
grows.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from sims.synthetic.sampler import Batch, sample_bases, sample_batch
from sims.theorems.evidence import Evidence, Points, from_draws
from theory.model import Scalar, SpuriousModel
from theory.statements.linearized import linearized_minimiser
from theory.statements.population import cross_covariance
from theory.statements.zero_shot import latent_prompt
from workbench.compilation import jit

MODEL = SpuriousModel(
    spurious_ratio=0.83, mu_inv=0.9, mu_spu=1.37, sigma_inv=1.21, sigma_spu=0.64, sigma_xi=2.3, image_dim=5, text_dim=6
)
WIDTHS = (1, 2, 3, 4)
PAIRS, SAMPLES = 24, 16
STEPS, LEARNING_RATE = 1000, 0.1
SHOWN = (0, 1, 3, 10, 20, 30, 50, 70, 100, 150, 200, 300, 500, 1000)  # steps
_NAMES = tuple(f"width {width}" for width in WIDTHS)
LINEARIZED_PANELS = {"singular values": ("cross-covariance", *_NAMES), "distance": _NAMES}


def printed_loss(
    image_weights: Float[Array, "width image_dim"], text_weights: Float[Array, "width text_dim"], batch: Batch
) -> Float[Array, ""]:
    """The linearised loss at rho = 1 as printed in Eq. (D.2), a double sum over pairs of different images and texts."""
    similarities = (batch.images @ image_weights.T) @ (batch.texts @ text_weights.T).T
    size = similarities.shape[0]
    matching = jnp.diag(similarities)[:, None]
    different = 1.0 - jnp.eye(size)
    pairs = jnp.sum(different * (similarities - matching + similarities.T - matching))
    return pairs / (2 * size * (size - 1)) + 0.5 * jnp.sum((image_weights.T @ text_weights) ** 2)


def _train(key: Key[Array, ""], width: int) -> tuple[Float[Array, " rank"], Float[Array, " rank"], Float[Array, "..."]]:
    """Singular values of the sample's cross-covariance and of the trained product; the product's distance by step."""
    # The data's key does not depend on the width, so that every width trains on the same samples.
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


def simulate_linearized(seed: int) -> Evidence:
    """Train image and text encoders of four widths on samples of 24 pairs, by gradient descent on the printed loss.

    Panel `singular values`: those of W_I^T W_T after the last step, by rank, and those of the sample's
    cross-covariance, computed directly. Panel `distance`: from W_I^T W_T to the closed-form minimiser, relative to its
    norm, by step. Means over 16 samples, each with its own initial weights.
    """
    keys = jax.random.split(jax.random.key(seed), SAMPLES)
    trained = jit(lambda keys: [jax.vmap(lambda key, width=width: _train(key, width))(keys) for width in WIDTHS])(keys)
    ranks = jnp.arange(1, min(MODEL.image_dim, MODEL.text_dim) + 1)
    covariance = {"cross-covariance": from_draws(ranks, trained[0][0])}
    return {
        "singular values": covariance
        | {name: from_draws(ranks, reached) for name, (_, reached, _) in zip(_NAMES, trained, strict=True)},
        "distance": {name: from_draws(SHOWN, moved) for name, (_, _, moved) in zip(_NAMES, trained, strict=True)},
    }


# mu_inv is 1 as in Lemma D.3, which the figure shows beside the limit.
POPULATION_MODEL = SpuriousModel(
    mu_inv=1.0, mu_spu=1.6, sigma_inv=1.21, sigma_spu=0.64, sigma_xi=1.7, image_dim=5, text_dim=7
)
POPULATION_RATIOS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
POPULATION_PAIRS, POPULATION_DRAWS = 1000, 40
# Entry to row and column; the matrix is symmetric.
ENTRIES = {"invariant variance": (0, 0), "covariance of the two": (0, 1), "spurious variance": (1, 1)}
POPULATION_PANELS = dict.fromkeys(ENTRIES, ("sample",))


def _estimate(key: Key[Array, ""], ratio: Scalar) -> Float[Array, "2 2"]:
    model = dataclasses.replace(POPULATION_MODEL, spurious_ratio=ratio)
    bases_key, batch_key = jax.random.split(key)
    bases = sample_bases(bases_key, int(POPULATION_MODEL.image_dim), int(POPULATION_MODEL.text_dim))
    batch = sample_batch(batch_key, model, bases, POPULATION_PAIRS)
    images, texts = (values - jnp.mean(values, axis=0, keepdims=True) for values in (batch.images, batch.texts))
    return bases.image.T @ (images.T @ texts / (POPULATION_PAIRS - 1)) @ bases.text


def simulate_population(seed: int) -> Evidence:
    """Estimate the cross-covariance of noisy images and texts from 1000 pairs, 40 times at every ratio.

    A panel for each entry of D_I^T C D_T, with the series `sample` over the ratio p_spu.
    """
    keys = jax.random.split(jax.random.key(seed), (POPULATION_DRAWS, len(POPULATION_RATIOS)))
    estimates = jit(jax.vmap(jax.vmap(_estimate), in_axes=(0, None)))(keys, jnp.array(POPULATION_RATIOS))
    return {
        entry: {"sample": from_draws(POPULATION_RATIOS, estimates[:, :, row, column])}
        for entry, (row, column) in ENTRIES.items()
    }


RATE_MODEL = SpuriousModel(mu_inv=0.9, mu_spu=1.1, sigma_inv=1.21, sigma_spu=0.64, sigma_xi=1.7, text_dim=7)
IMAGE_DIMS = (5, 50)
SIZES = (10, 30, 100, 300, 1000, 3000)
RATE_DRAWS = 100
FAILURE = 0.01  # probability with which the drawn bound may fail
ERROR, OUTSIDE = "minimiser", "outside the signal's plane"


def _errors(key: Key[Array, ""], model: SpuriousModel, size: Scalar) -> Float[Array, "2"]:
    """||C_n - C||_F^2, and the squared norm of the class-mean rule's part outside the signal's plane."""
    bases_key, batch_key = jax.random.split(key)
    bases = sample_bases(bases_key, int(model.image_dim), int(model.text_dim))
    # A sample of n pairs is the first part of the largest sample, so that one compiled program measures them all.
    batch = sample_batch(batch_key, model, bases, SIZES[-1])
    share = jnp.where(jnp.arange(SIZES[-1]) < size, 1.0 / size, 0.0)
    images, texts = (values - (share @ values)[None, :] for values in (batch.images, batch.texts))
    found = (images * share[:, None]).T @ texts * (size / (size - 1.0))
    rule = found @ (bases.text @ latent_prompt(model, "class-mean"))
    outside = rule - bases.image @ (bases.image.T @ rule)
    return jnp.stack([jnp.sum((found - cross_covariance(model, bases.image, bases.text)) ** 2), jnp.sum(outside**2)])


def rate_series(image_dim: int) -> str:
    """Name of the series of an image dimension, in both panels."""
    return f"{image_dim} dimensions"


RATE_PANELS = {
    ERROR: (*map(rate_series, IMAGE_DIMS), "largest"),
    OUTSIDE: tuple(map(rate_series, IMAGE_DIMS)),
}


def simulate_rate(seed: int) -> Evidence:
    """Estimate the minimiser from n pairs, 100 times for every n and two image dimensions.

    Panels: mean squares of its error, and of its rule's part outside the signal's plane. The series `largest` is the
    largest of the 100 squared errors, at 5 dimensions.
    """
    keys = jax.random.split(jax.random.key(seed), (len(IMAGE_DIMS), RATE_DRAWS, len(SIZES)))
    models = [dataclasses.replace(RATE_MODEL, image_dim=dim) for dim in IMAGE_DIMS]

    def measure(keys: Key[Array, "dims draws sizes"]) -> list[Float[Array, "draws sizes 2"]]:
        found = []
        for model, of_model in zip(models, keys, strict=True):
            of_size = jax.vmap(lambda key, size, model=model: _errors(key, model, size))
            found.append(jax.lax.map(lambda draw, of_size=of_size: of_size(draw, jnp.array(SIZES, float)), of_model))
        return found

    found = np.array(jit(measure)(keys))
    evidence: Evidence = {
        panel: {rate_series(dim): from_draws(SIZES, found[i, :, :, j]) for i, dim in enumerate(IMAGE_DIMS)}
        for j, panel in enumerate((ERROR, OUTSIDE))
    }
    evidence[ERROR]["largest"] = Points(np.array(SIZES, float), found[0, :, :, 0].max(axis=0), np.zeros(len(SIZES)))
    return evidence
