"""Supervised logistic regression on the images: L = mean_i log(1 + exp(-y_i <v, x_i>))."""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from sims.encoders import LinearClassifier
from sims.objectives.objective import Objective
from sims.sampler import Batch


def _create(image_dim: int, text_dim: int, embed_dim: int, rngs: nnx.Rngs) -> LinearClassifier:
    return LinearClassifier(image_dim, rngs=rngs)


def logistic_loss(model: LinearClassifier, batch: Batch) -> Float[Array, ""]:
    """Cross-entropy of the label."""
    return jnp.mean(jax.nn.softplus(-batch.labels * model.margins(batch.images)))


LOGISTIC = Objective("logistic", False, _create, logistic_loss)
