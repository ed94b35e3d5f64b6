"""InfoNCE as CLIP trains with it (Radford et al. 2021): symmetric, unit-norm embeddings, a learned temperature.

L = 1/2 mean_i [-log softmax_j(c s_ij)]_{j=i} + 1/2 mean_j [-log softmax_i(c s_ij)]_{i=j},   c = min(exp(t), 100)
"""

from typing import Any

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from sims.encoders import Architecture
from sims.models import CosineDualEncoder
from sims.objectives.objective import Objective
from sims.pairwise import both_logsumexps
from sims.synthetic.sampler import Batch

INITIAL_SCALE = 1 / 0.07  # CLIP's initial temperature of 0.07 ...
MAX_SCALE = 100.0  # ... and its bound on the factor


def create_cosine(architecture: Architecture, rngs: nnx.Rngs) -> CosineDualEncoder:
    """A dual encoder with embeddings of unit length and CLIP's initial temperature."""
    return CosineDualEncoder(architecture, INITIAL_SCALE, rngs=rngs)


def symmetric_cross_entropy(images: Float[Array, "size embed"], texts: Float[Array, "size embed"]) -> Float[Array, ""]:
    """Mean over both directions of the cross-entropy of each pair among all, for logits <images_i, texts_j>."""
    rows, columns = both_logsumexps(images, texts)
    own = jnp.sum(images * texts, axis=1)
    return jnp.mean((rows - own) + (columns - own)) / 2.0


def scale_of(model: Any) -> Float[Array, ""]:
    """The trained factor for similarities, c above."""
    return jnp.exp(jnp.minimum(model.log_scale[...], jnp.log(MAX_SCALE)))


def clip_loss(model: Any, images: Array, texts: Array) -> Float[Array, ""]:
    """CLIP's loss on one batch, for whatever embeds images and texts at unit length and has a `log_scale`."""
    return symmetric_cross_entropy(scale_of(model) * model.embed_images(images), model.embed_texts(texts))


def infonce_loss(model: CosineDualEncoder, batch: Batch) -> Float[Array, ""]:
    """CLIP's loss on one batch."""
    return clip_loss(model, batch.images, batch.texts)


INFONCE = Objective("infonce", True, create_cosine, infonce_loss)
