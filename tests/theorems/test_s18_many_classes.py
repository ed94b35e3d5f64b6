"""S18: many classes, and features that other classes own."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from tests import seeds
from tests.theorems.monte_carlo import CRITICAL, UNROUND, agree, z_scores
from theory import Caption, group_accuracies, spurious_reliance, zero_shot_direction
from theory import least_squares_direction as two_class_least_squares
from theory.statements.many_classes import (
    class_accuracies,
    contrastive_direction,
    critical_squared_size,
    least_squares_direction,
    pair_covariance,
)
from workbench.errors import ParameterError

pytestmark = pytest.mark.statement("S18")

PAIRS, ALPHA = 3, 0.7


def draw_classes(size, pairs=PAIRS, alpha=ALPHA, model=UNROUND, seed=0, agree_always=None):
    """Images' and captions' coordinates u_1..u_m, s_1..s_m (noise included), and the class (c, b)."""
    rng = seeds.generator(seed)
    c, b = rng.integers(pairs, size=size), rng.choice([-1.0, 1.0], size)
    ratio = model.spurious_ratio if agree_always is None else float(agree_always)
    a = np.where(rng.random(size) < ratio, b, -b)
    own = np.arange(pairs)[None, :] == c[:, None]
    invariant = np.where(own, model.mu_inv * b[:, None], alpha * rng.choice([-1.0, 1.0], (size, pairs)))
    spurious = np.where(own, model.mu_spu * a[:, None], 0.0)
    latent = np.concatenate(
        [
            invariant + model.sigma_inv * rng.normal(size=(size, pairs)),
            spurious + model.sigma_spu * rng.normal(size=(size, pairs)),
        ],
        axis=1,
    )
    image = latent + np.sqrt(model.image_noise_variance) * rng.normal(size=latent.shape)
    text = latent + np.sqrt(model.text_noise_variance) * rng.normal(size=latent.shape)
    return image, text, c, b


def test_covariance_by_simulation():
    image, text, *_ = draw_classes(200_000)
    expected = np.asarray(pair_covariance(UNROUND, PAIRS, ALPHA))
    for first, second in itertools.product(range(2 * PAIRS), repeat=2):
        same_pair = first % PAIRS == second % PAIRS
        value = expected[first // PAIRS, second // PAIRS] if same_pair else 0.0
        assert agree(image[:, first] * text[:, second], value)
    no_sharing = np.asarray(pair_covariance(UNROUND, PAIRS, 0.0))
    assert not agree(image[:, 0] * text[:, 0], no_sharing[0, 0])
    assert not agree(image[:, 0] * text[:, PAIRS], PAIRS * expected[0, 1])  # the share 1 / m forgotten


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("direction", [(1.0, 0.3), (0.5, 0.8)])
def test_accuracy_by_simulation(aligned, direction):
    image, _, c, b = draw_classes(300_000, seed=5, agree_always=aligned)
    scores = direction[0] * image[:, :PAIRS] + direction[1] * image[:, PAIRS:]
    chosen = np.argmax(np.abs(scores), axis=1)
    right = (chosen == c) & (np.sign(scores[np.arange(len(c)), chosen]) == b)
    group = 0 if aligned else 1
    rule = jnp.array(direction)
    assert agree(right.astype(float), class_accuracies(UNROUND, rule, PAIRS, ALPHA)[group])
    for wrong in (class_accuracies(UNROUND, rule, PAIRS, 0.0), class_accuracies(UNROUND, rule, PAIRS + 1, ALPHA)):
        assert not agree(right.astype(float), wrong[group])


@pytest.mark.parametrize("pairs", [1, 2, 40, 1000])
def test_accuracy_against_adaptive_quadrature(pairs):
    rule = jnp.array([0.9, 0.35])
    s = np.sqrt(np.sum(np.asarray(rule) ** 2 * np.asarray(UNROUND.image_variance)))
    rival = ALPHA * 0.9 / s
    for sign, found in zip((1, -1), class_accuracies(UNROUND, rule, pairs, ALPHA)[:2], strict=True):
        margin = (0.9 * UNROUND.mu_inv + sign * 0.35 * UNROUND.mu_spu) / s

        def integrand(h, margin=margin):
            return norm.pdf(h - margin) * (norm.cdf(h - rival) - norm.cdf(-h - rival)) ** (pairs - 1)

        expected = quad(integrand, 0, 14, epsabs=1e-12, limit=500)[0]
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_one_pair_is_the_model_of_two_classes():
    for prompt in ("label", "class-mean"):
        direction = contrastive_direction(UNROUND, 1, ALPHA, prompt)
        np.testing.assert_allclose(direction, zero_shot_direction(UNROUND, prompt), rtol=1e-12)
    np.testing.assert_allclose(
        spurious_reliance(least_squares_direction(UNROUND, 1, ALPHA)),
        spurious_reliance(two_class_least_squares(UNROUND)),
        rtol=1e-12,
    )
    rule = jnp.array([0.4, 0.9])
    np.testing.assert_allclose(class_accuracies(UNROUND, rule, 1, ALPHA), group_accuracies(UNROUND, rule), atol=1e-12)


def test_learners_fitted_to_samples_have_these_reliances():
    """Linearised loss and one-hot least squares on samples; swapping their formulas is rejected."""

    def fitted(seed):
        image, text, c, b = draw_classes(20_000, seed=seed)
        rule = image.T @ text / len(image)
        contrastive = [rule[PAIRS + k, k] / rule[k, k] for k in range(PAIRS)]
        targets = (np.arange(PAIRS)[None, :] == c[:, None]) * (b[:, None] > 0)  # one-hot, of the classes (c, +1)
        with_constant = np.concatenate([image, np.ones((len(image), 1))], axis=1)
        weights = np.linalg.lstsq(with_constant, targets.astype(float), rcond=None)[0]
        return np.mean(contrastive), np.mean([weights[PAIRS + k, k] / weights[k, k] for k in range(PAIRS)])

    draws = np.array([fitted(seed) for seed in range(60)])
    expected = [
        float(spurious_reliance(contrastive_direction(UNROUND, PAIRS, ALPHA, "label"))),
        float(spurious_reliance(least_squares_direction(UNROUND, PAIRS, ALPHA))),
    ]
    # A ratio's bias is of order 1 / 20,000, far below the standard error of 60 runs.
    assert np.all(np.abs(z_scores(draws, expected)) < CRITICAL)
    without_sharing = [
        float(spurious_reliance(contrastive_direction(UNROUND, PAIRS, 0.0, "label"))),
        float(spurious_reliance(least_squares_direction(UNROUND, PAIRS, 0.0))),
    ]
    assert np.all(np.abs(z_scores(draws, without_sharing)) > CRITICAL)


def test_sharing_helps_contrastive_and_hurts_least_squares():
    sizes = jnp.linspace(0.0, 2.0, 9)
    reliance = {
        "least_squares": [float(spurious_reliance(least_squares_direction(UNROUND, 4, a))) for a in sizes],
        "label": [float(spurious_reliance(contrastive_direction(UNROUND, 4, a, "label"))) for a in sizes],
        "captions": [
            float(spurious_reliance(contrastive_direction(UNROUND, 4, a, "label", Caption("label")))) for a in sizes
        ],
    }
    assert np.all(np.diff(reliance["least_squares"]) > 0) and np.all(np.diff(reliance["label"]) < 0)
    np.testing.assert_allclose(reliance["captions"], reliance["captions"][0], rtol=1e-12)


@pytest.mark.parametrize(
    ("prompt", "caption"),
    [
        ("label", Caption()),
        ("class-mean", Caption()),
        ("class-mean", Caption("latent", 0.9, 0.4)),
        ("label", Caption("label")),
        ("class-mean", Caption("label-attribute", 0.8, 0.5)),
    ],
)
def test_condition_is_that_of_the_directions_themselves(prompt, caption):
    rng = seeds.generator(11)

    @jax.jit
    def sides(model, pairs, alpha):
        difference = spurious_reliance(least_squares_direction(model, pairs, alpha)) - spurious_reliance(
            contrastive_direction(model, pairs, alpha, prompt, caption)
        )
        return alpha**2 - critical_squared_size(model, pairs, prompt, caption), difference

    seen = []
    for _ in range(200):
        mu_inv, mu_spu, sigma_inv, sigma_spu, alpha = np.exp(rng.uniform(-1, 1, 5)).tolist()
        model = dataclasses.replace(
            UNROUND,
            mu_inv=mu_inv,
            mu_spu=mu_spu,
            sigma_inv=sigma_inv,
            sigma_spu=sigma_spu,
            spurious_ratio=rng.uniform(0.55, 1.0),
        )
        excess, less = sides(model, jnp.asarray(float(rng.integers(2, 30))), jnp.asarray(alpha))
        assert (excess > 0) == (less > 0)
        seen.append(bool(excess > 0))
    assert 10 < sum(seen) < 200


def test_less_reliance_is_more_accuracy_only_above_the_shared_size():
    rng = seeds.generator(12)
    compute = jax.jit(lambda rule, pairs, alpha: class_accuracies(UNROUND, rule, pairs, alpha)[1])
    exceptions = 0
    for _ in range(400):
        low, high = np.sort(rng.uniform(0.0, 1.5, 2))
        alpha, pairs = rng.uniform(0.0, 6.0), float(rng.integers(1, 50))
        less, more = (compute(jnp.array([1.0, t]), jnp.asarray(pairs), jnp.asarray(alpha)) for t in (low, high))
        covered = pairs == 1 or UNROUND.mu_inv - low * UNROUND.mu_spu >= alpha
        if covered:
            assert less >= more - 1e-12
        exceptions += bool(less < more - 1e-6)
    assert exceptions > 0  # the condition is needed


def test_wrong_numbers_are_refused():
    with pytest.raises(ParameterError, match="pairs must be a whole number of at least 1"):
        pair_covariance(UNROUND, 0, 1.0)
    with pytest.raises(ParameterError, match="shared_size must be"):
        pair_covariance(UNROUND, 2, -1.0)


def test_vmaps_over_pairs_and_differentiates():
    rule = jnp.array([0.9, 0.35])
    pairs = jnp.array([1.0, 5.0, 50.0])
    many = jax.vmap(lambda m: class_accuracies(UNROUND, rule, m, ALPHA))(pairs)
    np.testing.assert_allclose(many[1], class_accuracies(UNROUND, rule, 5, ALPHA), rtol=1e-12)
    slope = jax.grad(lambda alpha: class_accuracies(UNROUND, rule, 5, alpha)[1])(0.7)
    assert slope < 0
