"""Half of `infonce_bilinear`: the cross-entropy of the image of each text among all images of the batch.

L = mean_j [-log softmax_i(s_ij)]_{i=j}, s_ij = x_i^T W_I^T W_T x_j; for linear encoders statement S14 has its optimum.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from sims.models import DualEncoder
from sims.objectives.infonce_bilinear import create_bilinear
from sims.objectives.objective import Objective
from sims.pairwise import row_logsumexps
from sims.synthetic.sampler import Batch


def infonce_text_to_image_loss(model: DualEncoder, batch: Batch) -> Float[Array, ""]:
    """The direction text to image on one batch."""
    images, texts = model.embed_images(batch.images), model.embed_texts(batch.texts)
    return jnp.mean(row_logsumexps(texts, images) - jnp.sum(images * texts, axis=1))


INFONCE_TEXT_TO_IMAGE = Objective("infonce_text_to_image", True, create_bilinear, infonce_text_to_image_loss)
