"""S5, S6, S10 and S11, simulated: supervised learners fitted to samples, and the Bayes classifier.

All use one model. Least squares (S5) and logistic regression (S6) are fitted at several spurious ratios, regularised
logistic regression (S11) at several penalties. The Bayes classifier (S10) needs no fit: its decisions on sampled images
are counted.
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from sims.synthetic.sampler import Batch, sample_bases, sample_batch
from sims.theorems.evidence import Evidence, Points, from_counts, from_draws
from sims.theorems.group_accuracy import GROUP_RATIOS, right_decisions
from theory.model import Scalar, SpuriousModel
from theory.newton import Local, descend
from theory.statements.bayes import half_log_odds
from theory.statements.boundary import spurious_reliance
from workbench.compilation import jit

MODEL = SpuriousModel(mu_inv=0.9, mu_spu=1.37, sigma_inv=1.21, sigma_spu=0.64, sigma_xi=1.7, image_dim=5, text_dim=2)
RATIOS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
IMAGES, TEST_IMAGES, DRAWS = 4000, 500, 30
WEIGHTS = ("invariant", "spurious")
ACCURACY = "accuracy"
SUPERVISED_PANELS = {"weights": WEIGHTS, ACCURACY: tuple(GROUP_RATIOS)}  # in S5 and S6


def fit_least_squares(batch: Batch) -> Float[Array, " image_dim"]:
    """The rule v that minimises the mean of (<v, x> - y)^2 over a sample."""
    return jnp.linalg.solve(batch.images.T @ batch.images, batch.images.T @ batch.labels)


# After six of Newton's steps from the least-squares rule, the error is below the rounding of single precision.
NEWTON_STEPS = 8


def fit_logistic(batch: Batch) -> Float[Array, " image_dim"]:
    """The rule v that minimises the mean of log(1 + exp(-y <v, x>)) over a sample, by Newton's method."""

    def newton(_: Int[Array, ""] | int, rule: Float[Array, " image_dim"]) -> Float[Array, " image_dim"]:
        wrong = jax.nn.sigmoid(-batch.labels * (batch.images @ rule))
        gradient = -batch.images.T @ (wrong * batch.labels)
        hessian = batch.images.T @ (batch.images * (wrong * (1.0 - wrong))[:, None])
        return rule - jnp.linalg.solve(hessian, gradient)

    return jax.lax.fori_loop(0, NEWTON_STEPS, newton, fit_least_squares(batch))


def _simulate(fit: Callable[[Batch], Float[Array, " image_dim"]], seed: int) -> Evidence:
    """Fit a learner to 4000 images and test it on 500 fresh ones of each group, 30 times at every ratio."""

    def measure(key: Key[Array, ""], ratio: Scalar) -> tuple[Float[Array, "2"], Float[Array, "2"]]:
        model = dataclasses.replace(MODEL, spurious_ratio=ratio)
        bases_key, batch_key, test_key = jax.random.split(key, 3)
        bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
        rule = fit(sample_batch(batch_key, model, bases, IMAGES))
        return bases.image.T @ rule, right_decisions(test_key, model, bases, rule, TEST_IMAGES) / TEST_IMAGES

    keys = jax.random.split(jax.random.key(seed), (DRAWS, len(RATIOS)))
    weights, accuracies = jit(jax.vmap(jax.vmap(measure), in_axes=(0, None)))(keys, jnp.array(RATIOS))
    return {
        "weights": {name: from_draws(RATIOS, weights[:, :, i]) for i, name in enumerate(WEIGHTS)},
        ACCURACY: {name: from_draws(RATIOS, accuracies[:, :, i]) for i, name in enumerate(GROUP_RATIOS)},
    }


def simulate_least_squares(seed: int) -> Evidence:
    """Fit least squares to 4000 images and test it on 500 fresh ones of each group, 30 times at every ratio.

    Panel `weights`: the weights of the two features, D_I^T v. Panel `accuracy`: the share of test images classified
    rightly.
    """
    return _simulate(fit_least_squares, seed)


def simulate_logistic(seed: int) -> Evidence:
    """Fit logistic regression as `simulate_least_squares` fits least squares, with the same panels."""
    return _simulate(fit_logistic, seed)


PENALTIES = (1e-3, 1e-2, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0)
RELIANCE = "reliance"
REGULARISATION_PANELS = {RELIANCE: ("fitted",), ACCURACY: tuple(GROUP_RATIOS)}


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

    return descend(objective, jnp.zeros(dim)).place


def _measure_regularised(key: Key[Array, ""], penalty: Scalar) -> tuple[Float[Array, ""], Float[Array, "2"]]:
    bases_key, batch_key, test_key = jax.random.split(key, 3)
    bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
    rule = fit_regularised_logistic(sample_batch(batch_key, MODEL, bases, IMAGES), penalty)
    right = right_decisions(test_key, MODEL, bases, rule, TEST_IMAGES) / TEST_IMAGES
    return spurious_reliance(bases.image.T @ rule), right


def simulate_regularisation(seed: int) -> Evidence:
    """Fit regularised logistic regression to 4000 images, 30 times for every penalty; test on 500 of each group.

    Panel `reliance`: w_spu / w_inv. Panel `accuracy`: the share classified rightly. Both over the penalty.
    """
    keys = jax.random.split(jax.random.key(seed), (DRAWS, len(PENALTIES)))
    reliances, accuracies = jit(jax.vmap(jax.vmap(_measure_regularised), in_axes=(0, None)))(keys, jnp.array(PENALTIES))
    return {
        RELIANCE: {"fitted": from_draws(PENALTIES, reliances)},
        ACCURACY: {name: from_draws(PENALTIES, accuracies[:, :, i]) for i, name in enumerate(GROUP_RATIOS)},
    }


BAYES_RATIOS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
BAYES_IMAGES = 4000  # of each group, at each ratio
# Windows on the spurious coordinate, 0.1 wide, so that the posterior changes little inside one.
CENTRES = tuple(np.linspace(-3.0, 3.0, 13).tolist())
WINDOW = 0.1
WINDOW_IMAGES = 200_000
POSTERIOR = "what the background tells"
BAYES_PANELS = {POSTERIOR: ("class +1",), ACCURACY: tuple(GROUP_RATIOS)}


def _right(key: Key[Array, ""], ratio: Scalar) -> Float[Array, "2"]:
    model = dataclasses.replace(MODEL, spurious_ratio=ratio)
    bases_key, *group_keys = jax.random.split(key, 3)
    bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
    counts = []
    for group_key, group_ratio in zip(group_keys, GROUP_RATIOS.values(), strict=True):
        batch = sample_batch(group_key, model, bases, BAYES_IMAGES, group_ratio)
        counts.append(jnp.sum(jnp.where(half_log_odds(model, batch.images @ bases.image) * batch.labels > 0, 1.0, 0.0)))
    return jnp.stack(counts)


def _windows(key: Key[Array, ""]) -> Float[Array, "2 windows"]:
    """The number of images with their spurious coordinate in each window, and how many of them are of class +1."""
    bases_key, batch_key = jax.random.split(key)
    bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
    batch = sample_batch(batch_key, MODEL, bases, WINDOW_IMAGES)
    spurious = batch.images @ bases.image[:, 1]
    inside = jnp.where(jnp.abs(spurious[:, None] - jnp.array(CENTRES)[None, :]) < WINDOW / 2, 1.0, 0.0)
    return jnp.stack([jnp.sum(inside, axis=0), jnp.where(batch.labels > 0, 1.0, 0.0) @ inside])


def simulate_bayes(seed: int) -> Evidence:
    """Count labels of 200,000 images by their spurious coordinate, and right decisions of the Bayes classifier.

    Panel `what the background tells`: share of class +1 over the spurious coordinate, at p_spu = 0.9. Panel
    `accuracy`: of the Bayes classifier on 4000 images of each group, over the training ratio.
    """
    window_key, accuracy_key = jax.random.split(jax.random.key(seed))
    inside, positive = np.asarray(jit(_windows)(window_key), float)
    keys = jax.random.split(accuracy_key, len(BAYES_RATIOS))
    right = np.asarray(jit(jax.vmap(_right))(keys, jnp.array(BAYES_RATIOS)))
    smoothed = (positive + 1.0) / (inside + 2.0)
    share = Points(np.array(CENTRES), positive / inside, np.sqrt(smoothed * (1.0 - smoothed) / inside))
    return {
        POSTERIOR: {"class +1": share},
        ACCURACY: {group: from_counts(BAYES_RATIOS, right[:, i], BAYES_IMAGES) for i, group in enumerate(GROUP_RATIOS)},
    }
