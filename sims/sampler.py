"""Samples of the synthetic model (Definition 6.1), on any device."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from theory.model import Scalar, SpuriousModel


class Bases(NamedTuple):
    """Where the latent features lie in the two modalities: orthonormal columns, D_I and D_T."""

    image: Float[Array, "image_dim 2"]
    text: Float[Array, "text_dim 2"]


class Batch(NamedTuple):
    """Image-text pairs with what produced them; a row a pair. Labels and attributes are -1 or +1."""

    images: Float[Array, "size image_dim"]
    texts: Float[Array, "size text_dim"]
    labels: Float[Array, " size"]
    attributes: Float[Array, " size"]


def sample_bases(key: Key[Array, ""], image_dim: int, text_dim: int) -> Bases:
    """Random D_I and D_T: each uniform among the matrices with two orthonormal columns."""
    image_key, text_key = jax.random.split(key)
    return Bases(jax.random.orthogonal(image_key, 2, m=image_dim).T, jax.random.orthogonal(text_key, 2, m=text_dim).T)


def sample_batch(
    key: Key[Array, ""],
    model: SpuriousModel,
    bases: Bases,
    size: int,
    ratio: Scalar | Float[Array, " size"] | None = None,
) -> Batch:
    """Draw `size` independent pairs.

    Args:
        key: random key.
        model: parameters of the synthetic model.
        bases: D_I and D_T; the dimensions are theirs.
        size: how many pairs.
        ratio: P(a = y), for all pairs or one by one; the model's training ratio unless given. 1 gives the group
            `aligned`, 0 the group `conflicting`.
    """
    image_dim, text_dim = bases.image.shape[0], bases.text.shape[0]
    sign_key, latent_key, image_key, text_key = jax.random.split(key, 4)
    uniforms = jax.random.uniform(sign_key, (2, size))
    labels = jnp.where(uniforms[0] < model.class_prior, 1.0, -1.0)
    agrees = uniforms[1] < (model.spurious_ratio if ratio is None else ratio)
    attributes = jnp.where(agrees, labels, -labels)
    latents = jnp.stack([labels, attributes], axis=1) * model.latent_mean[None, :]
    latents = latents + jax.random.normal(latent_key, (size, 2)) * model.latent_sigma[None, :]
    image_noise = jax.random.normal(image_key, (size, image_dim)) * (model.sigma_xi / jnp.sqrt(float(image_dim)))
    text_noise = jax.random.normal(text_key, (size, text_dim)) * (model.sigma_xi / jnp.sqrt(float(text_dim)))
    return Batch(latents @ bases.image.T + image_noise, latents @ bases.text.T + text_noise, labels, attributes)
