"""S21: InfoNCE's best bilinear critic for batches of N pairs, and how fast the limit of large batches is reached."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import binom

import sims
import theory
from sims.objectives.infonce import symmetric_cross_entropy
from tests import seeds
from tests.theorems.monte_carlo import CRITICAL, UNROUND, draw_in_plane, z_scores
from tests.theorems.test_s15_siglip import correlated
from theory import (
    Caption,
    SpuriousModel,
    group_accuracies,
    infonce_critic,
    latent_prompt,
    logistic_direction,
    predictions,
)
from theory.mixtures import pairs_of
from theory.names import DIRECTIONS
from theory.statements.finite_batch import (
    convergence_exponent,
    finite_batch_critic,
    first_correction,
)
from theory.statements.siglip import moment_exponent
from workbench.compilation import jit

pytestmark = pytest.mark.statement("S21")


def critic_for(model, caption, size, learner="infonce_bilinear"):
    """`finite_batch_critic` as `predict` compiles it, which runs for half of the time."""
    return predictions.critic_of(learner, model, caption, batch_size=size)[0]


# The trapezoidal rule; with fewer nodes it is more exact than Gauss-Hermite, which feels the logarithm's poles.
NODES = np.linspace(-7.0, 7.0, 36)
CHANCE = np.exp(-0.5 * NODES**2)
CHANCE = CHANCE / CHANCE.sum()
MEAN, SIGMA = (np.asarray(part) for part in (UNROUND.latent_mean, UNROUND.latent_sigma))
GROUPS = [
    (0.5 * share, np.array([label, label * sign]))
    for label in (1.0, -1.0)
    for sign, share in ((1.0, UNROUND.spurious_ratio), (-1.0, 1 - UNROUND.spurious_ratio))
]


def two_pairs(noise, other_noise):
    """The half of the loss for batches of two: E softplus of the difference of two scores, Gaussian given the image.

    A function of the critic, to value and gradient; noises are the variances of the two modalities.
    """
    variance, other = SIGMA**2 + noise, SIGMA**2 + other_noise
    slope = SIGMA**2 / variance
    plane = np.stack(np.meshgrid(NODES, NODES, indexing="ij"), axis=2).reshape(-1, 2)
    chance = np.outer(CHANCE, CHANCE).ravel()
    # Of the difference of the other caption and the own one, given the image.
    spread = other + SIGMA**2 * (1 - slope) + other_noise

    def loss(critic):
        value, gradient = 0.0, np.zeros((2, 2))
        for weight, sign in GROUPS[:2]:  # the other two are their mirror images
            points = sign * MEAN + np.sqrt(variance) * plane
            vector = points @ critic
            deviation = np.sqrt(vector**2 @ spread)
            for share, other_sign in GROUPS:
                shift = (other_sign - sign) * MEAN - slope * (points - sign * MEAN)
                score = np.sum(shift * vector, axis=1)[:, None] + deviation[:, None] * NODES
                value += 2 * weight * share * chance @ np.logaddexp(0.0, score) @ CHANCE
                wrong, moved = (expit(score) @ np.stack([CHANCE, NODES * CHANCE], axis=1)).T
                move = wrong[:, None] * shift + (moved / deviation)[:, None] * spread * vector
                gradient += 2 * weight * share * (points * chance[:, None]).T @ move
        return value, gradient

    return loss


@pytest.mark.slow
def test_batches_of_two_are_logistic_regression_on_differences():
    """Both halves, `latent` captions: another integral, over three variables and none of them y. To 1e-6."""
    noises = UNROUND.image_noise_variance, UNROUND.text_noise_variance
    one, two = two_pairs(*noises), two_pairs(*noises[::-1])

    def loss(entries):
        (first, slope), (second, other) = one(entries.reshape(2, 2)), two(entries.reshape(2, 2).T)
        return (first + second) / 2, (slope + other.T).ravel() / 2

    found = minimize(loss, np.eye(2).ravel(), jac=True, method="BFGS", options={"gtol": 1e-9})
    critic = critic_for(UNROUND, Caption(), 2)
    np.testing.assert_allclose(critic, found.x.reshape(2, 2), atol=1e-6 * np.abs(critic).max())


def label_captions(size):
    """E over the number of captions of each kind in a batch of `size`, image to text: a finite sum. Of w = B (1, 0)."""
    counts = np.arange(size)
    chances = binom.pmf(counts, size - 1, 0.5)[:, None]
    deviation = np.sqrt(np.asarray(UNROUND.image_variance))
    plane = np.stack(np.meshgrid(NODES, NODES, indexing="ij"), axis=2).reshape(-1, 2)
    chance = np.outer(CHANCE, CHANCE).ravel()

    def loss(weights):
        value, gradient = 0.0, np.zeros(2)
        for share, sign in ((UNROUND.spurious_ratio, 1.0), (1 - UNROUND.spurious_ratio, -1.0)):
            points = MEAN * [1.0, sign] + deviation * plane
            # The number of captions that say the other class, against those that say this one.
            odds = np.log(np.maximum(size - 1 - counts, 1e-300)) - np.log(counts + 1)
            wrong = odds[:, None] - 2 * points @ weights
            value += share * np.sum(chances * np.logaddexp(0.0, wrong) @ chance)
            gradient += share * -2 * (np.sum(chances * expit(wrong), axis=0) * chance) @ points
        return value, gradient

    return loss


@pytest.mark.parametrize("size", [3, 40])
def test_label_captions_are_a_finite_sum(size):
    """Image to text, to 1e-6; the sum over one caption more or less is rejected."""
    weights = critic_for(UNROUND, Caption("label"), size, "infonce_image_to_text")[:, 0]
    sums = [minimize(label_captions(n), [0.3, 0.3], jac=True, options={"gtol": 1e-10}).x for n in (size, size + 1)]
    off = [np.abs(weights - found).max() / np.abs(weights).max() for found in sums]
    assert off[0] < 1e-6 and off[1] > 1e-5


def sampled_gradients(model, caption, critics, size, count, seed, dims=(2, 2)):
    """The loss's gradients at some critics on the same batches, shape (count, critics, rows, columns)."""
    sample = draw_in_plane(model, size * count, caption, seed, dims=dims).batches(count)

    def of_batch(batch):
        images, texts = batch
        slope = jax.grad(lambda critic: symmetric_cross_entropy(images @ critic, texts))
        return jax.vmap(slope)(jnp.stack(critics))

    compiled = jit(lambda batches: jax.lax.map(of_batch, batches, batch_size=50))
    return compiled((jnp.asarray(sample.images), jnp.asarray(sample.texts)))


@pytest.mark.slow
def test_gradient_of_sampled_batches_is_zero_in_all_of_g():
    """Batches of 16. Rejected: the limit's optimum, a batch of 24, and critics with a part outside the plane."""
    caption, shape, size = Caption(), (UNROUND.image_dim, UNROUND.text_dim), 16
    inside = {n: jnp.asarray(critic_for(UNROUND, caption, n)) for n in (16, 24)}
    places = [inside[16], inside[24], infonce_critic(UNROUND, caption)]
    critics = [jnp.zeros(shape).at[:2, :2].set(place) for place in places]
    critics += [critics[0].at[row, column].set(0.05) for row, column in ((2, 0), (1, 3), (2, 2))]

    draws = sampled_gradients(UNROUND, caption, critics, size, 16_000, 21, shape)
    right, *wrong = np.abs(z_scores(draws, 0.0))
    assert np.all(right < CRITICAL)
    for scores in wrong[:2]:
        assert np.any(scores[:2, :2] > CRITICAL)
    outside = np.ones(shape, bool)
    outside[:2, :2] = False
    for scores in wrong[2:]:
        assert np.any(scores[outside] > CRITICAL)


# Noise that leaves all moments which the test needs; with `latent` captions also those of the next orders.
QUIET, QUIETER = (dataclasses.replace(UNROUND, sigma_xi=noise) for noise in (4.0, 8.0))


def from_large_batches(caption, learner="infonce_bilinear", model=QUIET):
    """N (B_N - B) from batches of 1000 and 2000, free of the next order; off by 2000 times what six digits leave."""
    limit = np.asarray(infonce_critic(model, caption, DIRECTIONS[learner]))
    sizes = (1000, 2000)
    once, twice = (n * (critic_for(model, caption, n, learner) - limit) for n in sizes)
    return 2 * twice - once


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "model"), [("latent", QUIETER), ("label-attribute", QUIET)])
def test_first_correction_is_where_large_batches_go(kind, model):
    right = np.asarray(first_correction(model, Caption(kind)))
    np.testing.assert_allclose(from_large_batches(Caption(kind), model=model), right, atol=2e-3 * np.abs(right).max())


def test_first_correction_of_label_captions():
    """Image to text: E tanh x - E tanh^2 x / 2 over y = +1. Without the own pair's part, the first, it is another."""
    caption, weights = Caption("label"), 0.5 * np.asarray(logistic_direction(QUIET))
    deviation = np.sqrt(np.asarray(QUIET.image_variance))
    plane = np.stack(np.meshgrid(NODES, NODES, indexing="ij"), axis=2).reshape(-1, 2)
    signs = ((QUIET.spurious_ratio, 1.0), (1 - QUIET.spurious_ratio, -1.0))
    chance = np.concatenate([share * np.outer(CHANCE, CHANCE).ravel() for share, _ in signs])
    points = np.concatenate([MEAN * [1.0, sign] + deviation * plane for _, sign in signs])
    slope, bend = np.tanh(points @ weights), chance / np.cosh(points @ weights) ** 2
    hessian = (points * bend[:, None]).T @ points
    right, wrong = (-np.linalg.solve(hessian, points.T @ (bend * (own - slope))) for own in (1.0, 0.0))
    stated = jax.jit(lambda noise: first_correction(QUIET.replace(sigma_xi=noise), caption, 1.0))(QUIET.sigma_xi)
    np.testing.assert_allclose(stated[:, 0], right, rtol=1e-6)
    found = from_large_batches(caption, "infonce_image_to_text")[:, 0]
    np.testing.assert_allclose(found, right, atol=2e-3 * np.abs(right).max())
    assert np.abs(found - wrong).max() > 0.1 * np.abs(right).max()


@pytest.mark.slow
@pytest.mark.parametrize(("correlation", "size"), [(0.95, 10**6), (0.35, 10**3)])
def test_rate_on_either_side_of_the_edge(correlation, size):
    """The exponent over a decade of N. Below 1, 1 is rejected, and 1 / (2 lambda) of a cut second moment."""
    model = correlated(correlation)
    limit = float(infonce_critic(model, Caption())[0, 0])
    distances = [critic_for(model, Caption(), each)[0, 0] - limit for each in (size, 10 * size)]
    slope = np.log10(distances[0] / distances[1])
    exponent, share = float(convergence_exponent(model, Caption())), correlation**2  # lambda, of a Gaussian pair
    assert exponent == pytest.approx(min(1.0, np.sqrt(0.25 + 1 / share) - 0.5), rel=1e-4)
    if share > 0.5:
        slope += 0.5 * np.log10(np.log(10 * size) / np.log(size))  # the factor (log N)^(1/2)
        assert abs(slope - exponent) < 0.5 * min(abs(slope - 1.0), abs(slope - 1 / (2 * share)))
    # Next come factors 1 + O(1 / log N), or 1 + O(1 / N).
    assert slope == pytest.approx(exponent, abs=0.04)


@pytest.mark.slow
def test_at_the_defaults_the_edge_is_near():
    """0.488 against 1/2, so that 1 / N is the rate, and nowhere to be seen at the sizes that are used."""
    model, caption = SpuriousModel(), Caption()
    limit = infonce_critic(model, caption)
    assert float(moment_exponent(pairs_of(model, caption), limit)) ** -2 == pytest.approx(0.488, abs=5e-4)
    assert convergence_exponent(model, caption) == 1.0
    distances = [np.linalg.norm(critic_for(model, caption, size) - limit) for size in (64, 1024)]
    assert np.log(distances[0] / distances[1]) / np.log(1024 / 64) == pytest.approx(0.56, abs=0.03)
    beyond = dataclasses.replace(model, sigma_xi=0.5)
    assert convergence_exponent(beyond, caption) < 1.0
    assert np.isnan(first_correction(beyond, caption)).all()


def test_where_captions_tell_images_apart_without_error_there_is_none():
    exact = dataclasses.replace(UNROUND, sigma_inv=0.0, sigma_spu=0.0, sigma_xi=0.0)
    assert np.isnan(critic_for(exact, Caption(), 8)).all()


@pytest.mark.slow
def test_unequal_classes_and_silent_captions():
    """All groups and mentions, by the gradient of sampled batches."""
    model, caption = dataclasses.replace(UNROUND, class_prior=0.3), Caption("latent", 0.9, 0.6)
    critics = [critic_for(model, caption, 8), critic_for(UNROUND, caption, 8)]
    right, wrong = np.abs(z_scores(sampled_gradients(model, caption, critics, 8, 40_000, 22), 0.0))
    assert np.all(right < CRITICAL) and np.any(wrong > CRITICAL)


@pytest.mark.slow
def test_jits_vmaps_and_differentiates_in_both_precisions():
    def conflicting(ratio, size):
        return theory.accuracy(UNROUND.replace(spurious_ratio=ratio), "infonce_bilinear", batch_size=size).conflicting

    ratios, step = jnp.array([0.7, 0.9]), 1e-3
    values, slopes = jax.jit(jax.vmap(jax.value_and_grad(conflicting), (0, None)))(ratios, 16.0)
    np.testing.assert_allclose(values, [conflicting(float(ratio), 16) for ratio in ratios], atol=1e-8)
    # Central differences err by the square of the step, and by six digits over it.
    differences = [(conflicting(r + step, 16) - conflicting(r - step, 16)) / (2 * step) for r in map(float, ratios)]
    np.testing.assert_allclose(slopes, differences, atol=1e-3)
    assert np.abs(slopes).min() > 0.02
    with jax.enable_x64(False):
        single = conflicting(0.7, 16)
    assert single.dtype == jnp.float32
    np.testing.assert_allclose(single, values[0], atol=1e-4)


@pytest.mark.slow
def test_trained_encoders_end_there():
    """4 runs of 6,400 steps of 16 pairs; the limit of large batches is rejected."""
    model = SpuriousModel()
    axes = {"batch_size": 16, "steps": 6400}
    found = sims.sweep(model, axes, objectives=("infonce_bilinear",), seeds=4, seed=seeds.seed(2))
    trained = found.outcome.accuracies.reshape(4, 2, 2)  # runs, prompts, groups
    # 4 runs can agree by chance; test sets alone leave this much.
    critical = CRITICAL * np.maximum(trained.std(axis=0, ddof=1), 0.002) / np.sqrt(len(trained))
    prompts = [latent_prompt(model, prompt) for prompt in ("label", "class-mean")]

    def off_by(critic):
        expected = np.array([group_accuracies(model, critic @ prompt)[:2] for prompt in prompts])
        return np.abs(trained.mean(axis=0) - expected)

    # What a step size above 0 leaves: 0.3 points.
    assert np.all(off_by(finite_batch_critic(model, Caption(), 16)) < critical + 0.003)
    assert np.any(off_by(infonce_critic(model, Caption())) > critical + 0.003)
