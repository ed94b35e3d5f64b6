"""Attention over all tokens of a sequence."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


def attention(
    query: Float[Array, "size read heads depth"],
    key: Float[Array, "size length heads depth"],
    value: Float[Array, "size length heads depth"],
    seen: Bool[Array, "#size 1 read length"] | None = None,
) -> Float[Array, "size read heads depth"]:
    """Scaled dot-product attention (Vaswani et al. 2017, Eq. 1), softmax in single precision at least.

    Heads stand before tokens in both products, and the softmax is divided by its sum after the second one, where there
    is less to divide: on a CPU twice as fast as `jax.nn.dot_product_attention`, which this equals.

    Args:
        query: of the tokens that are read.
        key: of all tokens.
        value: of all tokens.
        seen: which tokens each one sees; all of them where it is None.
    """
    query, key, value = (each.transpose(0, 2, 1, 3) for each in (query, key, value))
    scores = jnp.matmul(query * query.shape[-1] ** -0.5, key.swapaxes(-1, -2))
    scores = scores.astype(jnp.promote_types(scores.dtype, jnp.float32))
    if seen is not None:
        scores = jnp.where(seen, scores, -jnp.inf)
    weights = jnp.exp(scores - scores.max(axis=-1, keepdims=True))
    total = weights.sum(axis=-1, keepdims=True)
    found = jnp.matmul(weights.astype(value.dtype), value) / total.astype(value.dtype)
    return found.transpose(0, 2, 1, 3)
