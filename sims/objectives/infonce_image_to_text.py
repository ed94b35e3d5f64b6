"""Half of `infonce_bilinear`: the cross-entropy of the text of each image among all texts of the batch.

L = mean_i [-log softmax_j(s_ij)]_{j=i}, s_ij = x_i^T W_I^T W_T x_j; for linear encoders statement S14 has its optimum.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from sims.models import DualEncoder
from sims.objectives.infonce_bilinear import create_bilinear
from sims.objectives.objective import Objective
from sims.pairwise import row_logsumexps
from sims.synthetic.sampler import Batch


def infonce_image_to_text_loss(model: DualEncoder, batch: Batch) -> Float[Array, ""]:
    """The direction image to text on one batch."""
    images, texts = model.embed_images(batch.images), model.embed_texts(batch.texts)
    return jnp.mean(row_logsumexps(images, texts) - jnp.sum(images * texts, axis=1))


INFONCE_IMAGE_TO_TEXT = Objective("infonce_image_to_text", True, create_bilinear, infonce_image_to_text_loss)
