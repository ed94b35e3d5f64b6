"""InfoNCE in the bilinear form of the theory: similarities x_i^T W_I^T W_T x_j, with no norm and no temperature."""

from flax import nnx
from jaxtyping import Array, Float

from sims.encoders import DualEncoder
from sims.objectives.infonce import symmetric_cross_entropy
from sims.objectives.objective import Objective
from sims.sampler import Batch


def _create(image_dim: int, text_dim: int, embed_dim: int, rngs: nnx.Rngs) -> DualEncoder:
    return DualEncoder(image_dim, text_dim, embed_dim, rngs=rngs)


def infonce_bilinear_loss(model: DualEncoder, batch: Batch) -> Float[Array, ""]:
    """Symmetric InfoNCE on the bare similarities of one batch."""
    return symmetric_cross_entropy(model.embed_images(batch.images), model.embed_texts(batch.texts))


INFONCE_BILINEAR = Objective("infonce_bilinear", True, _create, infonce_bilinear_loss)
