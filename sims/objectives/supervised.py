"""Supervised learning on the images alone, for margins <v, x_i> and labels y_i of -1 and 1.

`least_squares`: L = 1/2 mean_i (<v, x_i> - y_i)^2. `logistic`: L = mean_i log(1 + exp(-y_i <v, x_i>)).
"""

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


def least_squares_loss(model: BinaryClassifier, batch: Batch) -> Float[Array, ""]:
    """Half the mean squared error of the label."""
    return jnp.mean((model.margins(batch.images) - batch.labels) ** 2) / 2.0


LEAST_SQUARES = Objective("least_squares", False, _create, least_squares_loss)


def logistic_loss(model: BinaryClassifier, batch: Batch) -> Float[Array, ""]:
    """Cross-entropy of the label."""
    return jnp.mean(jax.nn.softplus(-batch.labels * model.margins(batch.images)))


LOGISTIC = Objective("logistic", False, _create, logistic_loss)
