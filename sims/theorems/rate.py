"""S9, simulated: how far the minimiser of a finite sample lies from its limit, for an embedding as wide as the data."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from sims.synthetic.sampler import sample_bases, sample_batch
from sims.theorems.evidence import Evidence, Points, from_draws
from theory.model import Scalar, SpuriousModel
from theory.statements.population import cross_covariance
from theory.statements.zero_shot import latent_prompt
from workbench.compilation import jit

MODEL = SpuriousModel(mu_inv=0.9, mu_spu=1.1, sigma_inv=1.21, sigma_spu=0.64, sigma_xi=1.7, text_dim=7)
IMAGE_DIMS = (5, 50)
SIZES = (10, 30, 100, 300, 1000, 3000)
DRAWS = 100
FAILURE = 0.01  # of the bound that is drawn
ERROR, OUTSIDE = "minimiser", "outside the signal's plane"


def _errors(key: Key[Array, ""], model: SpuriousModel, size: Scalar) -> Float[Array, "2"]:
    """||C_n - C||_F^2, and the squared part of the class-mean rule outside the signal's plane."""
    bases_key, batch_key = jax.random.split(key)
    bases = sample_bases(bases_key, int(model.image_dim), int(model.text_dim))
    # Every n is the head of a sample of the largest: one program, compiled once, measures them all.
    batch = sample_batch(batch_key, model, bases, SIZES[-1])
    share = jnp.where(jnp.arange(SIZES[-1]) < size, 1.0 / size, 0.0)
    images, texts = (values - (share @ values)[None, :] for values in (batch.images, batch.texts))
    found = (images * share[:, None]).T @ texts * (size / (size - 1.0))
    rule = found @ (bases.text @ latent_prompt(model, "class-mean"))
    outside = rule - bases.image @ (bases.image.T @ rule)
    return jnp.stack([jnp.sum((found - cross_covariance(model, bases.image, bases.text)) ** 2), jnp.sum(outside**2)])


def series_name(image_dim: int) -> str:
    """A series of both panels."""
    return f"{image_dim} dimensions"


def simulate(seed: int) -> Evidence:
    """Estimate C_n from n pairs, 100 times for every n and two image dimensions.

    Panels: mean squares of its error, and of its rule's part outside the signal's plane. The series `largest` is the
    largest squared error of the 100, at 5 dimensions.
    """
    keys = jax.random.split(jax.random.key(seed), (len(IMAGE_DIMS), DRAWS, len(SIZES)))
    models = [dataclasses.replace(MODEL, image_dim=dim) for dim in IMAGE_DIMS]

    def measure(keys: Key[Array, "dims draws sizes"]) -> list[Float[Array, "draws sizes 2"]]:
        found = []
        for model, of_model in zip(models, keys, strict=True):
            of_size = jax.vmap(lambda key, size, model=model: _errors(key, model, size))
            found.append(jax.lax.map(lambda draw, of_size=of_size: of_size(draw, jnp.array(SIZES, float)), of_model))
        return found

    found = np.array(jit(measure)(keys))
    evidence: Evidence = {
        panel: {series_name(dim): from_draws(SIZES, found[i, :, :, j]) for i, dim in enumerate(IMAGE_DIMS)}
        for j, panel in enumerate((ERROR, OUTSIDE))
    }
    evidence[ERROR]["largest"] = Points(np.array(SIZES, float), found[0, :, :, 0].max(axis=0), np.zeros(len(SIZES)))
    return evidence
