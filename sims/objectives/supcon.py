"""Supervised contrastive loss (SupCon, Khosla et al. 2020, arXiv 2004.11362), for images and texts: the class decides.

Every text of an image's class is a right one for it, and every image of a text's class for it; P(i) is the set of those
in the batch, the own pair among them. The sum over right ones stands outside of the logarithm (L_out there):

L = 1/2 mean_i -1/|P(i)| sum_(j in P(i)) log softmax_j(c s_ij)
  + 1/2 mean_j -1/|P(j)| sum_(i in P(j)) log softmax_i(c s_ij).

`supcon`: embeddings of unit length and a trained factor c as CLIP's, so that it differs from `infonce` in what is right
alone; the paper's factor is fixed. `supcon_bilinear`: plain inner products, c = 1. Both are for two classes, labels of
-1 and 1. Statement S26 has the optimum of the second.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from sims.models import CosineDualEncoder, DualEncoder
from sims.objectives.infonce import create_bilinear, create_cosine, scale_of
from sims.objectives.objective import Objective
from sims.pairwise import both_logsumexps
from sims.synthetic.sampler import Batch


def class_cross_entropy(
    images: Float[Array, "size embed"], texts: Float[Array, "size embed"], labels: Float[Array, " size"]
) -> Float[Array, ""]:
    """The loss for logits <images_i, texts_j>, without the matrix of them.

    Args:
        images: shape (size, embed).
        texts: shape (size, embed).
        labels: -1 or 1, shape (size,).
    """
    rows, columns = both_logsumexps(images, texts)
    right = jnp.zeros(())
    for sign in (-1.0, 1.0):
        members = jnp.where(labels == sign, 1.0, 0.0)
        # The mean over i of the mean over P(i): each class counts by its size. It is the same in both directions.
        image_sum, text_sum = members @ images, members @ texts
        right = right + jnp.sum(image_sum * text_sum) / jnp.maximum(jnp.sum(members), 1.0)
    return (jnp.mean(rows) + jnp.mean(columns)) / 2.0 - right / labels.shape[0]


def supcon_loss(model: CosineDualEncoder, batch: Batch) -> Float[Array, ""]:
    """The loss on embeddings of unit length, with CLIP's trained factor."""
    images = scale_of(model) * model.embed_images(batch.images)
    return class_cross_entropy(images, model.embed_texts(batch.texts), batch.labels)


SUPCON = Objective("supcon", True, create_cosine, supcon_loss)


def supcon_bilinear_loss(model: DualEncoder, batch: Batch) -> Float[Array, ""]:
    """The loss on the bare similarities of one batch."""
    return class_cross_entropy(model.embed_images(batch.images), model.embed_texts(batch.texts), batch.labels)


SUPCON_BILINEAR = Objective("supcon_bilinear", True, create_bilinear, supcon_bilinear_loss)
