"""S11, simulated: logistic regression with an L2 penalty, fitted to samples."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from sims.synthetic.sampler import Batch, sample_bases, sample_batch
from sims.theorems.evidence import Evidence, from_draws
from sims.theorems.group_accuracy import GROUP_RATIOS, right_decisions
from sims.theorems.least_squares import DRAWS, IMAGES, MODEL, TEST_IMAGES
from theory.model import Scalar
from theory.newton import Local, descend
from theory.statements.boundary import spurious_reliance
from workbench.compilation import jit

PENALTIES = (1e-3, 1e-2, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0)
RELIANCE, ACCURACY = "reliance", "accuracy"


def fit_regularised_logistic(batch: Batch, penalty: Scalar) -> Float[Array, " image_dim"]:
    """The rule v that minimises the mean of log(1 + exp(-y <v, x>)) + (penalty / 2) ||v||^2 over a sample."""
    size, dim = batch.images.shape

    def objective(rule: Float[Array, " image_dim"]) -> Local:
        margin = batch.labels * (batch.images @ rule)
        wrong = jax.nn.sigmoid(-margin)
        return Local(
            jnp.mean(jax.nn.softplus(-margin)) + 0.5 * penalty * jnp.sum(rule**2),
            penalty * rule - batch.images.T @ (wrong * batch.labels) / size,
            penalty * jnp.eye(dim) + batch.images.T @ (batch.images * (wrong * (1.0 - wrong))[:, None]) / size,
        )

    return descend(objective, jnp.zeros(dim))


def _measure(key: Key[Array, ""], penalty: Scalar) -> tuple[Float[Array, ""], Float[Array, "2"]]:
    bases_key, batch_key, test_key = jax.random.split(key, 3)
    bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
    rule = fit_regularised_logistic(sample_batch(batch_key, MODEL, bases, IMAGES), penalty)
    right = right_decisions(test_key, MODEL, bases, rule, TEST_IMAGES) / TEST_IMAGES
    return spurious_reliance(bases.image.T @ rule), right


def simulate(seed: int) -> Evidence:
    """Fit regularised logistic regression to 4000 images, 30 times for every penalty; test on 500 of each group.

    Panel `reliance`: w_spu / w_inv. Panel `accuracy`: the share classified rightly. Both over the penalty.
    """
    keys = jax.random.split(jax.random.key(seed), (DRAWS, len(PENALTIES)))
    reliances, accuracies = jit(jax.vmap(jax.vmap(_measure), in_axes=(0, None)))(keys, jnp.array(PENALTIES))
    return {
        RELIANCE: {"fitted": from_draws(PENALTIES, reliances)},
        ACCURACY: {name: from_draws(PENALTIES, accuracies[:, :, i]) for i, name in enumerate(GROUP_RATIOS)},
    }
