"""The linearised contrastive loss (arXiv 2403.11497, Eq. D.2; Nakada et al. 2023), on a batch of n pairs.

L = 1/(2 n (n-1)) sum_i sum_{j != i} [(s_ij - s_ii) + (s_ji - s_ii)] + rho/2 ||W_I^T W_T||_F^2

Both sums equal minus the inner product of W_I^T W_T with the batch's unbiased cross-covariance (statement S1), which
is how it is computed here: without the n x n matrix of similarities.
"""

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from sims.encoders import Architecture
from sims.encoders.encoder import Linear
from sims.models import DualEncoder
from sims.objectives.objective import Objective
from sims.synthetic.sampler import Batch

RHO = 1.0  # sets the scale of the minimiser, not its direction


def _create(architecture: Architecture, rngs: nnx.Rngs) -> DualEncoder:
    return DualEncoder(architecture, rngs=rngs)


def linearized_loss(model: DualEncoder, batch: Batch) -> Float[Array, ""]:
    """The linearised loss at rho = `RHO`."""
    images, texts = model.embed_images(batch.images), model.embed_texts(batch.texts)
    images = images - jnp.mean(images, axis=0, keepdims=True)
    texts = texts - jnp.mean(texts, axis=0, keepdims=True)
    alignment = jnp.sum(images * texts) / (images.shape[0] - 1)
    # ||W_I^T W_T||_F^2 = <W_I W_I^T, W_T W_T^T>, two matrices of the embedding's width; kernels are W^T.
    image_gram, text_gram = (
        encoder.kernel.T @ encoder.kernel[...]
        for encoder in (model.image_encoder, model.text_encoder)
        if isinstance(encoder, Linear)
    )
    return -alignment + RHO / 2.0 * jnp.sum(image_gram * text_gram)


LINEARIZED = Objective("linearized", True, _create, linearized_loss)
