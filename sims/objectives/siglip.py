"""The sigmoid loss of SigLIP (Zhai et al. 2023, arXiv 2303.15343, Algorithm 1), unit-norm embeddings.

L = -1/n sum_i sum_j log sigmoid(l_ij (c s_ij + b)),   l_ii = 1, l_ij = -1 for i != j,

with scale c = exp(t) and bias b trained, from c = 10 and b = -10 as published.
"""

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from sims.encoders import Architecture
from sims.models import CosineDualEncoder
from sims.objectives.objective import Objective
from sims.pairwise import softplus_sum
from sims.synthetic.sampler import Batch

INITIAL_SCALE = 10.0
INITIAL_BIAS = -10.0


class SiglipEncoder(CosineDualEncoder):
    """SigLIP's dual encoder: unit-length embeddings, a trained factor and a trained offset.

    The bias b is trained as its difference to -c: the logit of a perfect pair, s = 1. The loss and the start are the
    same, but as c grows b must fall with it, and Adam follows that valley slowly unless it is an axis.

    Args:
        architecture: the encoders.
        rngs: source of the initial weights.
    """

    def __init__(self, architecture: Architecture, *, rngs: nnx.Rngs):
        super().__init__(architecture, INITIAL_SCALE, rngs=rngs)
        self.perfect_logit = nnx.Param(jnp.asarray(INITIAL_BIAS + INITIAL_SCALE, float))


def _create(architecture: Architecture, rngs: nnx.Rngs) -> SiglipEncoder:
    return SiglipEncoder(architecture, rngs=rngs)


def siglip_loss(model: SiglipEncoder, batch: Batch) -> Float[Array, ""]:
    """The sigmoid loss on one batch: a sum over pairs, divided by the batch's size."""
    scale = jnp.exp(model.log_scale[...])
    images, texts = scale * model.embed_images(batch.images), model.embed_texts(batch.texts)
    bias = model.perfect_logit[...] - scale
    # -log sigmoid(-l) = softplus(l), and -log sigmoid(l) = softplus(l) - l.
    own = jnp.sum(images * texts) + images.shape[0] * bias
    return (softplus_sum(images, texts, bias) - own) / images.shape[0]


SIGLIP = Objective("siglip", True, _create, siglip_loss)
