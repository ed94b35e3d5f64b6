"""Embeddings of unit length."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def unit_length(embeddings: Float[Array, "size embed_dim"]) -> Float[Array, "size embed_dim"]:
    """The embeddings over their lengths, in single precision at least."""
    embeddings = embeddings.astype(jnp.promote_types(embeddings.dtype, jnp.float32))
    return embeddings / jnp.linalg.norm(embeddings, axis=1, keepdims=True)
