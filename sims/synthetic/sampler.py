"""Samples of the synthetic model (Definition 6.1), on any device, with any of the captions of S12, curated or not."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from sims.names import CURATIONS
from theory.mixtures import ATTRIBUTES, LABELS, MENTIONS
from theory.model import Caption, Scalar, SpuriousModel
from theory.statements.scale_and_curation import curate


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
    normals = jax.random.normal(key, (2 * (image_dim + text_dim),))  # one draw, as in `sample_batch`
    return Bases(*(_orthonormal(part.reshape(2, -1)) for part in jnp.split(normals, (2 * image_dim,))))


def _orthonormal(pair: Float[Array, "2 dim"]) -> Float[Array, "dim 2"]:
    # For two columns Gram and Schmidt say in four lines what a QR decomposition takes far longer to compile.
    first, second = pair
    first = first / jnp.linalg.norm(first)
    second = second - jnp.vdot(first, second) * first
    # Once more: in few dimensions the two may have been nearly parallel.
    second = second - jnp.vdot(first, second) * first
    return jnp.stack([first, second / jnp.linalg.norm(second)], axis=1)


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
    # One draw for everything: each further one takes as long to compile as the rest of the step.
    lowest = jnp.nextafter(jnp.asarray(-1.0), jnp.asarray(0.0))  # so that erf_inv is finite
    uniforms = jax.random.uniform(key, (size * (4 + image_dim + text_dim),), minval=lowest, maxval=1.0)
    label, attribute, rest = jnp.split(uniforms, (size, 2 * size))
    normals = jnp.sqrt(2.0) * jax.lax.erf_inv(rest)
    latent_noise, image_noise, text_noise = (
        part.reshape(size, -1) for part in jnp.split(normals, (2 * size, (2 + image_dim) * size))
    )
    labels = jnp.where((1.0 + label) / 2.0 < model.class_prior, 1.0, -1.0)
    agrees = (1.0 + attribute) / 2.0 < (model.spurious_ratio if ratio is None else ratio)
    attributes = jnp.where(agrees, labels, -labels)
    latents = jnp.stack([labels, attributes], axis=1) * model.latent_mean[None, :]
    latents = latents + latent_noise * model.latent_sigma[None, :]
    images = latents @ bases.image.T + image_noise * (model.sigma_xi / jnp.sqrt(float(image_dim)))
    texts = latents @ bases.text.T + text_noise * (model.sigma_xi / jnp.sqrt(float(text_dim)))
    return Batch(images, texts, labels, attributes)


def captioned_batch(
    key: Key[Array, ""],
    model: SpuriousModel,
    bases: Bases,
    size: int,
    caption: Caption,
    ratio: Scalar | Float[Array, " size"] | None = None,
) -> Batch:
    """`sample_pairs`, by the one draw of `sample_batch` where captions surely share all of an image's features."""
    if caption.kind == "latent" and caption.choices.all():
        return sample_batch(key, model, bases, size, ratio)
    return sample_pairs(key, model, bases, caption, size, ratio)


def sample_pairs(
    key: Key[Array, ""],
    model: SpuriousModel,
    bases: Bases,
    caption: Caption,
    size: int,
    ratio: Scalar | Float[Array, " size"] | None = None,
    curation: str = "none",
) -> Batch:
    """Draw `size` independent images with captions of the given kind; arguments as `sampler.sample_batch`.

    A `latent` caption has the text's noise; the words of the others are exact, text = D_T t. A feature that a caption
    does not mention is 0 in t.

    With the curation `balanced` these are pairs of a large pool, in which captions that say the same are thinned until
    all that is said is equally frequent (S29): pairs of what is left are independent, so what is left is drawn at once.

    Raises:
        ValueError: another curation, or a ratio beside `balanced`, which has its own.
    """
    if curation not in CURATIONS or (curation != "none" and ratio is not None):
        raise ValueError(f"curation must be one of {', '.join(CURATIONS)}, and none with a ratio, got {curation!r}")
    mention_key, batch_key = jax.random.split(key)
    if curation == "balanced":
        shares = jnp.cumsum(curate(model, caption).weights.reshape(16))
        kinds = jnp.searchsorted(shares, shares[-1] * jax.random.uniform(mention_key, (size,)), side="right")
        groups, mentions = kinds // 4, kinds % 4
        # A prior and a ratio of 0 or 1, pair by pair, give each pair its own class and background.
        model = dataclasses.replace(model, class_prior=jnp.asarray(LABELS > 0, float)[groups])
        ratio = jnp.asarray(LABELS == ATTRIBUTES, float)[groups]
        mentioned = jnp.asarray(MENTIONS, float)[mentions]
    else:
        mentioned = jnp.asarray(jax.random.uniform(mention_key, (size, 2)) < caption.mentions[None, :], float)
    batch = sample_batch(batch_key, model, bases, size, ratio)
    if caption.kind == "latent":
        # The same key without noise gives the latents themselves; what is not mentioned is taken out of the text.
        latents = (
            sample_batch(batch_key, dataclasses.replace(model, sigma_xi=0.0), bases, size, ratio).texts @ bases.text
        )
        hidden = latents * (1.0 - mentioned)
        return batch._replace(texts=batch.texts - hidden @ bases.text.T)
    signs = jnp.stack([batch.labels, batch.attributes], axis=1) * mentioned
    return batch._replace(texts=signs @ bases.text.T)
