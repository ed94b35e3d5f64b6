"""nCLIP and xCLIP (Zhou et al. 2022, arXiv 2210.09304): image and text agree on a soft cluster, without negatives.

`nclip`: an embedding is the logits of K = `embed_dim` clusters. With p and q the softmax of an image's and its text's,

L = 1/2 [CE(p, q) + CE(q, p)] + a/2 [H(p) + H(q)] - b/2 [H(mean p) + H(mean q)],

means over the batch, CE(p, q) = -sum_k p_k log q_k. The second term makes each distribution sharp, the third spreads
the batch over the clusters. No target is held fixed: the gradient goes through both sides. a and b are `SHARPNESS` and
`BALANCE`. This is our reading of the paper, which has released no code: details of its loss and its weights may differ.
Our weights are 1/2 and 1, and statement S26 holds for any.

`xclip`: CLIP's loss on the embeddings of unit length plus nCLIP's on logits that a linear head of its own, one for each
modality, makes of the encoder's output. Zero-shot it is evaluated as CLIP is, without the heads.
"""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from sims.encoders import Architecture
from sims.encoders.encoder import Linear
from sims.models import CosineDualEncoder, DualEncoder
from sims.objectives.infonce import INITIAL_SCALE, clip_loss
from sims.objectives.objective import Objective
from sims.synthetic.sampler import Batch

SHARPNESS, BALANCE = 0.5, 1.0


class ClusterEncoder(DualEncoder):
    """A dual encoder whose embeddings are logits of clusters; they are centred, as softmax sees them."""

    def embed_images(self, images: Float[Array, "size image_dim"]) -> Float[Array, "size embed_dim"]:
        """Logits of images; a row sums to 0."""
        return _centred(super().embed_images(images))

    def embed_texts(self, texts: Float[Array, "size text_dim"]) -> Float[Array, "size embed_dim"]:
        """Logits of texts; a row sums to 0."""
        return _centred(super().embed_texts(texts))


def _centred(logits: Float[Array, "size clusters"]) -> Float[Array, "size clusters"]:
    return logits - jnp.mean(logits, axis=1, keepdims=True)


class ClusteringDualEncoder(CosineDualEncoder):
    """CLIP's dual encoder with two linear heads, which make the logits of as many clusters as the embedding is wide.

    Args:
        architecture: the encoders.
        rngs: source of the initial weights.
    """

    def __init__(self, architecture: Architecture, *, rngs: nnx.Rngs):
        super().__init__(architecture, INITIAL_SCALE, rngs=rngs)
        width = architecture.embed_dim
        self.image_head, self.text_head = (Linear((width,), width, rngs=rngs) for _ in range(2))


def cluster_loss(images: Float[Array, "size clusters"], texts: Float[Array, "size clusters"]) -> Float[Array, ""]:
    """The loss of nCLIP for the logits of a batch of pairs."""
    (p, log_p), (q, log_q) = ((jax.nn.softmax(each), jax.nn.log_softmax(each)) for each in (images, texts))
    across = -jnp.mean(jnp.sum(p * log_q + q * log_p, axis=1)) / 2.0
    within = -jnp.mean(jnp.sum(p * log_p + q * log_q, axis=1)) / 2.0
    spread = (_entropy(jnp.mean(p, axis=0)) + _entropy(jnp.mean(q, axis=0))) / 2.0
    return across + SHARPNESS * within - BALANCE * spread


def _entropy(shares: Float[Array, " clusters"]) -> Float[Array, ""]:
    # A cluster without members has the entropy 0, and its logarithm no slope.
    used = shares > 0
    return -jnp.sum(jnp.where(used, shares * jnp.log(jnp.where(used, shares, 1.0)), 0.0))


def _create_clusters(architecture: Architecture, rngs: nnx.Rngs) -> ClusterEncoder:
    return ClusterEncoder(architecture, rngs=rngs)


def nclip_loss(model: ClusterEncoder, batch: Batch) -> Float[Array, ""]:
    """The non-contrastive loss on one batch."""
    return cluster_loss(model.embed_images(batch.images), model.embed_texts(batch.texts))


NCLIP = Objective("nclip", True, _create_clusters, nclip_loss)


def _create_both(architecture: Architecture, rngs: nnx.Rngs) -> ClusteringDualEncoder:
    return ClusteringDualEncoder(architecture, rngs=rngs)


def xclip_loss(model: ClusteringDualEncoder, batch: Batch) -> Float[Array, ""]:
    """CLIP's loss plus the non-contrastive one of the heads, on one batch."""
    images = model.image_head(model.image_encoder(batch.images))
    texts = model.text_head(model.text_encoder(batch.texts))
    return clip_loss(model, batch.images, batch.texts) + cluster_loss(images, texts)


XCLIP = Objective("xclip", True, _create_both, xclip_loss)
