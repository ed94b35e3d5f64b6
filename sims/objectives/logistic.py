"""Supervised logistic regression on the images: L = mean_i log(1 + exp(-y_i <v, x_i>))."""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from sims.encoders import Architecture
from sims.models import BinaryClassifier
from sims.objectives.objective import Objective
from sims.synthetic.sampler import Batch


def _create(architecture: Architecture, rngs: nnx.Rngs) -> BinaryClassifier:
    return BinaryClassifier(architecture, rngs=rngs)


def logistic_loss(model: BinaryClassifier, batch: Batch) -> Float[Array, ""]:
    """Cross-entropy of the label."""
    return jnp.mean(jax.nn.softplus(-batch.labels * model.margins(batch.images)))


LOGISTIC = Objective("logistic", False, _create, logistic_loss)
