"""InfoNCE as CLIP trains with it (Radford et al. 2021): symmetric, unit-norm embeddings, a learned temperature.

L = 1/2 mean_i [-log softmax_j(c s_ij)]_{j=i} + 1/2 mean_j [-log softmax_i(c s_ij)]_{i=j},   c = min(exp(t), 100)
"""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from sims.encoders import CosineDualEncoder
from sims.objectives.objective import Objective
from sims.sampler import Batch

INITIAL_SCALE = 1 / 0.07  # CLIP's initial temperature of 0.07 ...
MAX_SCALE = 100.0  # ... and its bound on the factor


def _create(image_dim: int, text_dim: int, embed_dim: int, rngs: nnx.Rngs) -> CosineDualEncoder:
    return CosineDualEncoder(image_dim, text_dim, embed_dim, INITIAL_SCALE, rngs=rngs)


def symmetric_cross_entropy(logits: Float[Array, "size size"]) -> Float[Array, ""]:
    """Mean over both directions of the cross-entropy of each row's (column's) own pair, on the diagonal."""
    own = jnp.diagonal(logits)
    image_to_text = jnp.mean(jax.nn.logsumexp(logits, axis=1) - own)
    text_to_image = jnp.mean(jax.nn.logsumexp(logits, axis=0) - own)
    return (image_to_text + text_to_image) / 2.0


def infonce_loss(model: CosineDualEncoder, batch: Batch) -> Float[Array, ""]:
    """CLIP's loss on one batch."""
    scale = jnp.exp(jnp.minimum(model.log_scale[...], jnp.log(MAX_SCALE)))
    return symmetric_cross_entropy(scale * model.similarities(batch.images, batch.texts))


INFONCE = Objective("infonce", True, _create, infonce_loss)
