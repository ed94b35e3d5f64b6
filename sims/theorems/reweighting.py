"""S25, simulated: supervised learners on weighted groups, and on the worse of two groups, fitted to samples.

Reliance is measured over the mass that aligned images have in the loss, and its deviation between samples over the
spurious ratio.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from sims.synthetic.sampler import Batch, sample_bases, sample_batch
from sims.theorems.evidence import Evidence, Points, from_draws
from theory.bisection import bisect
from theory.model import Scalar, SpuriousModel
from theory.statements.boundary import spurious_reliance
from theory.statements.reweighting import LEARNERS, TRAININGS
from workbench.compilation import jit

# The default noise, in fewer dimensions.
MODEL = SpuriousModel(sigma_xi=float(np.sqrt(5 / 16)), image_dim=5, text_dim=5)
SHARES = (0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.97)
RATIOS = (0.5, 0.7, 0.8, 0.9, 0.95)
IMAGES, DRAWS = 4000, 30  # for each share
DEVIATION_IMAGES, DEVIATION_DRAWS = 2000, 150
RELIANCE, DEVIATION = "reliance", "deviation of the reliance"


def series_name(learner: str, training: str) -> str:
    """Name of the series of a learner and a training."""
    return f"{learner.replace('_', ' ')}, {training}"


REWEIGHTING_PANELS = {
    RELIANCE: tuple(LEARNERS),
    DEVIATION: tuple(series_name(learner, training) for learner in LEARNERS for training in TRAININGS),
}
# After six of Newton's steps from 0, the error is below the rounding of single precision. The share's error is 2^-15,
# and the reliance's error is a hundredth of its variation between samples.
_NEWTON_STEPS, _HALVINGS = 6, 14


def _aligned(batch: Batch) -> Float[Array, " size"]:
    """1 for aligned images and 0 for conflicting ones."""
    return jnp.where(batch.labels == batch.attributes, 1.0, 0.0)


def fit_weighted(batch: Batch, learner: str, share: Scalar) -> Float[Array, " image_dim"]:
    """The rule v that minimises the mean loss over a sample in which the aligned images have the mass `share`.

    Args:
        batch: the sample, with images of both groups.
        learner: `least_squares`, (<v, x> - y)^2 / 2, or `logistic`, log(1 + exp(-y <v, x>)).
        share: the aligned images' mass in the loss; the conflicting ones have 1 minus this.
    """
    aligned = _aligned(batch)
    mass = share * aligned / jnp.sum(aligned) + (1.0 - share) * (1.0 - aligned) / jnp.sum(1.0 - aligned)
    turned = batch.images * batch.labels[:, None]
    if learner == "least_squares":
        return jnp.linalg.solve(turned.T @ (turned * mass[:, None]), turned.T @ mass)

    def newton(_: Int[Array, ""] | int, rule: Float[Array, " image_dim"]) -> Float[Array, " image_dim"]:
        wrong = jax.nn.sigmoid(-turned @ rule)
        hessian = turned.T @ (turned * (mass * wrong * (1.0 - wrong))[:, None])
        return rule + jnp.linalg.solve(hessian, turned.T @ (mass * wrong))

    return jax.lax.fori_loop(0, _NEWTON_STEPS, newton, jnp.zeros(turned.shape[1]))


def fit_worst_group(batch: Batch, learner: str) -> Float[Array, " image_dim"]:
    """The rule that minimises the larger of the mean losses on aligned and on conflicting images of a sample.

    By duality, it is the weighted rule whose two losses are equal.

    Args:
        batch: the sample, with images of both groups.
        learner: as in `fit_weighted`.
    """
    aligned = _aligned(batch)

    def excess(share: Float[Array, ""]) -> Float[Array, ""]:
        """For the rule with this share, the mean loss on aligned images minus the mean loss on conflicting ones."""
        margins = batch.labels * (batch.images @ fit_weighted(batch, learner, share))
        losses = 0.5 * (margins - 1.0) ** 2 if learner == "least_squares" else jax.nn.softplus(-margins)
        return losses @ (aligned / jnp.sum(aligned) - (1.0 - aligned) / jnp.sum(1.0 - aligned))

    return fit_weighted(batch, learner, bisect(excess, 0.0, 1.0, _HALVINGS))


def _over_shares(key: Key[Array, ""], share: Scalar) -> Float[Array, " learners"]:
    bases_key, batch_key = jax.random.split(key)
    bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
    batch = sample_batch(batch_key, MODEL, bases, IMAGES)
    return jnp.stack([spurious_reliance(bases.image.T @ fit_weighted(batch, learner, share)) for learner in LEARNERS])


def _over_ratios(key: Key[Array, ""], ratio: Scalar) -> Float[Array, " series"]:
    bases_key, batch_key = jax.random.split(key)
    bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
    batch = sample_batch(batch_key, dataclasses.replace(MODEL, spurious_ratio=ratio), bases, DEVIATION_IMAGES)
    rules = [
        fit_weighted(batch, learner, 0.5) if training == "reweighted" else fit_worst_group(batch, learner)
        for learner in LEARNERS
        for training in TRAININGS
    ]
    return jnp.stack([spurious_reliance(bases.image.T @ rule) for rule in rules])


def _deviations(draws: np.ndarray) -> Points:
    """n^(1/2) times the standard deviation of draws, shape (draws, ratios), and its standard error for normal draws."""
    deviations = np.sqrt(DEVIATION_IMAGES) * draws.std(axis=0, ddof=1)
    return Points(np.array(RATIOS), deviations, deviations / np.sqrt(2.0 * (len(draws) - 1)))


def simulate_reweighting(seed: int) -> Evidence:
    """Fit both learners to 4000 weighted images, 30 times per share, and to 2000 balanced images, 150 times per ratio.

    Panel `reliance`: w_spu / w_inv over the mass of aligned images, at p_spu = 0.9. Panel `deviation of the reliance`:
    n^(1/2) times its standard deviation over p_spu, for groups of equal mass and for worst-group training on 2000.
    """
    share_key, ratio_key = jax.random.split(jax.random.key(seed))
    keys = jax.random.split(share_key, (DRAWS, len(SHARES)))
    over_shares = jit(jax.vmap(jax.vmap(_over_shares), in_axes=(0, None)))(keys, jnp.array(SHARES))
    keys = jax.random.split(ratio_key, (DEVIATION_DRAWS, len(RATIOS)))
    # Draw by draw, since all at once would hold 750 samples in memory.
    of_ratios = jit(lambda keys: jax.lax.map(lambda row: jax.vmap(_over_ratios)(row, jnp.array(RATIOS)), keys))
    over_ratios = np.asarray(of_ratios(keys), float)
    return {
        RELIANCE: {name: from_draws(SHARES, over_shares[:, :, index]) for index, name in enumerate(LEARNERS)},
        DEVIATION: {name: _deviations(over_ratios[:, :, i]) for i, name in enumerate(REWEIGHTING_PANELS[DEVIATION])},
    }
