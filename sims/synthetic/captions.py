"""Pairs whose captions say what `theory.statements.captions` lets them say."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from sims.synthetic.sampler import Bases, Batch, sample_batch
from theory.model import Scalar, SpuriousModel
from theory.statements.captions import Caption


def sample_pairs(
    key: Key[Array, ""],
    model: SpuriousModel,
    bases: Bases,
    caption: Caption,
    size: int,
    ratio: Scalar | Float[Array, " size"] | None = None,
) -> Batch:
    """Draw `size` independent images with captions of the given kind; arguments as `sampler.sample_batch`.

    A `latent` caption has the text's noise; the words of the others are exact, text = D_T t. A feature that a caption
    does not mention is 0 in t.
    """
    mention_key, batch_key = jax.random.split(key)
    batch = sample_batch(batch_key, model, bases, size, ratio)
    mentioned = jax.random.uniform(mention_key, (size, 2)) < caption.mentions[None, :]
    if caption.kind == "latent":
        # The same key without noise gives the latents themselves; what is not mentioned is taken out of the text.
        latents = (
            sample_batch(batch_key, dataclasses.replace(model, sigma_xi=0.0), bases, size, ratio).texts @ bases.text
        )
        hidden = latents * (1.0 - mentioned)
        return batch._replace(texts=batch.texts - hidden @ bases.text.T)
    signs = jnp.stack([batch.labels, batch.attributes], axis=1) * mentioned
    return batch._replace(texts=signs @ bases.text.T)
