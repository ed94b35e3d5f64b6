"""InfoNCE in the bilinear form of the theory: similarities x_i^T W_I^T W_T x_j, with no norm and no temperature."""

from flax import nnx
from jaxtyping import Array, Float

from sims.encoders import Architecture
from sims.models import DualEncoder
from sims.objectives.infonce import symmetric_cross_entropy
from sims.objectives.objective import Objective
from sims.synthetic.sampler import Batch


def create_bilinear(architecture: Architecture, rngs: nnx.Rngs) -> DualEncoder:
    """A dual encoder whose similarities are plain inner products."""
    return DualEncoder(architecture, rngs=rngs)


def infonce_bilinear_loss(model: DualEncoder, batch: Batch) -> Float[Array, ""]:
    """Symmetric InfoNCE on the bare similarities of one batch."""
    return symmetric_cross_entropy(model.embed_images(batch.images), model.embed_texts(batch.texts))


INFONCE_BILINEAR = Objective("infonce_bilinear", True, create_bilinear, infonce_bilinear_loss)
