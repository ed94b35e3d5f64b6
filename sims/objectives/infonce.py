"""InfoNCE: as CLIP trains with it, in the bilinear form of the theory, and each direction of that form.

`infonce` (Radford et al. 2021): symmetric, embeddings of unit length, a learned temperature,

L = 1/2 mean_i [-log softmax_j(c s_ij)]_{j=i} + 1/2 mean_j [-log softmax_i(c s_ij)]_{i=j},   c = min(exp(t), 100).

`infonce_bilinear`: the same with similarities s_ij = x_i^T W_I^T W_T x_j and c = 1. `infonce_image_to_text` is its
first half, the text of each image among all texts of the batch, and `infonce_text_to_image` its second, the image of
each text among all images; each half is given without its factor 1/2. For linear encoders statement S14 has the optima.
"""

from typing import Any

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from sims.encoders import Architecture
from sims.models import CosineDualEncoder, DualEncoder
from sims.objectives.objective import Objective
from sims.pairwise import both_logsumexps, row_logsumexps
from sims.synthetic.sampler import Batch
from theory.statements.unit_length import MAX_SCALE

INITIAL_SCALE = 1 / 0.07  # CLIP's initial temperature is 0.07


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


def create_bilinear(architecture: Architecture, rngs: nnx.Rngs) -> DualEncoder:
    """A dual encoder whose similarities are plain inner products."""
    return DualEncoder(architecture, rngs=rngs)


def infonce_bilinear_loss(model: DualEncoder, batch: Batch) -> Float[Array, ""]:
    """Symmetric InfoNCE on the bare similarities of one batch."""
    return symmetric_cross_entropy(model.embed_images(batch.images), model.embed_texts(batch.texts))


INFONCE_BILINEAR = Objective("infonce_bilinear", True, create_bilinear, infonce_bilinear_loss)


def infonce_image_to_text_loss(model: DualEncoder, batch: Batch) -> Float[Array, ""]:
    """The direction image to text on one batch."""
    images, texts = model.embed_images(batch.images), model.embed_texts(batch.texts)
    return jnp.mean(row_logsumexps(images, texts) - jnp.sum(images * texts, axis=1))


INFONCE_IMAGE_TO_TEXT = Objective("infonce_image_to_text", True, create_bilinear, infonce_image_to_text_loss)


def infonce_text_to_image_loss(model: DualEncoder, batch: Batch) -> Float[Array, ""]:
    """The direction text to image on one batch."""
    images, texts = model.embed_images(batch.images), model.embed_texts(batch.texts)
    return jnp.mean(row_logsumexps(texts, images) - jnp.sum(images * texts, axis=1))


INFONCE_TEXT_TO_IMAGE = Objective("infonce_text_to_image", True, create_bilinear, infonce_text_to_image_loss)
