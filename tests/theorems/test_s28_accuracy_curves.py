"""S28: accuracy pairs of a choice among many candidates, and the curves of models that differ in one thing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import multivariate_normal, norm

from sims.theorems.accuracy_curves import count_right, fit_softmax, sample_photos
from tests import seeds
from tests.theorems.monte_carlo import CRITICAL, agree
from theory.statements.accuracy_curves import (
    Constants,
    accuracy_pair,
    background_log_odds,
    curve_pair,
    probit_slope,
    training_ratio,
)
from workbench.compilation import jit

pytestmark = pytest.mark.statement("S28")

pair_of, curve_of, slope_of = jax.jit(accuracy_pair), jax.jit(curve_pair), jax.jit(probit_slope)
photos_of = jit(sample_photos, static_argnums=(1, 3, 4))
right_of, fitted_of = jit(count_right), jit(fit_softmax)

# Signal, weight, candidates, backgrounds, difficulty.
CASES = np.array(
    [[1.3, 0.7, 2, 2, 0.0], [1.3, 0.4, 3, 3, 0.2], [2.1, 0.9, 12, 4, 0.1], [3.7, 0.5, 1000, 5.2, 0.07],
     [0.0, 0.0, 1000, 8, 0.0], [2.5, 6.0, 20, 5, 0.3]]
)  # fmt: skip


@pytest.fixture(scope="module")
def pairs():
    return np.asarray(jax.jit(jax.vmap(accuracy_pair))(*jnp.asarray(CASES.T)))


def by_the_best_rival(signal, weight, candidates, backgrounds, difficulty):
    """Another route: the own score's tail over the density of the best rival, by SciPy's adaptive quadrature."""
    usual = candidates / backgrounds

    def right(lead, raised, same, other):
        """`raised` rivals have a mean of `lead` less than the own score has, the two kinds in turn."""

        def density(y):
            kinds = [(raised[0], same), (raised[1], other)]
            log_all = sum(count * norm.logcdf(y - mean) for mean, count in kinds)
            slope = sum(count * np.exp(norm.logpdf(y - mean) - norm.logcdf(y - mean)) for mean, count in kinds)
            return slope * np.exp(log_all) * norm.sf(y - lead)

        return quad(density, -9, 16, points=[0, 2, 4], epsabs=1e-12, limit=400)[0]

    common = right(signal + weight, (weight, 0.0), usual - 1, candidates - usual)
    counter = right((1 - difficulty) * signal, (0.0, weight), candidates - usual - 1, usual)
    return common, counter


@pytest.mark.parametrize("number", range(len(CASES)))
def test_accuracies_against_another_integral(number, pairs):
    np.testing.assert_allclose(pairs[number], by_the_best_rival(*CASES[number]), atol=1e-9)


def test_two_and_three_candidates_are_normal_probabilities(pairs):
    """Two: S19's probits. Three: both rivals' margins, correlated by one half, at once."""
    np.testing.assert_allclose(pairs[0], norm.cdf(np.array([2.0, 0.6]) / np.sqrt(2)), atol=1e-12)
    margins = multivariate_normal(cov=[[2.0, 1.0], [1.0, 2.0]])
    own, weight = CASES[1][0], CASES[1][1]
    expected = [margins.cdf([own + weight] * 2), margins.cdf([0.8 * own, 0.8 * own - weight])]
    np.testing.assert_allclose(pairs[1], expected, atol=2e-5)  # SciPy's own error


def test_a_guesser_is_right_as_often_as_chance_and_a_heavy_background_decides(pairs):
    np.testing.assert_allclose(pairs[4], 1 / 1000, rtol=1e-10)
    common, counter = pair_of(2.5, 60.0, 20.0, 5.0)
    np.testing.assert_allclose(common, by_the_best_rival(2.5, 0.0, 4, 4, 0.0)[0], atol=1e-8)  # among g = 4
    assert counter < 1e-12


BACKGROUNDS, EACH, RATIO, SIGNAL = 4, 3, 0.7, 1.6
BETA = float(np.log(RATIO * (BACKGROUNDS - 1) / (1 - RATIO)))


def test_log_odds_are_bayes_rule():
    """Decisions from the two likelihoods, written out, are those of t = beta / d; with p / (1 - p) they are not."""
    np.testing.assert_allclose(background_log_odds(RATIO, BACKGROUNDS), BETA, rtol=1e-12)
    np.testing.assert_allclose(training_ratio(BETA, BACKGROUNDS), RATIO, rtol=1e-12)
    assert abs(background_log_odds(1 / BACKGROUNDS, BACKGROUNDS)) < 1e-12
    scores, usual, _ = photos_of(seeds.key(281), 60_000, SIGNAL, BACKGROUNDS, EACH, RATIO)
    scores, usual = np.asarray(scores), np.asarray(usual)
    # density of all scores if j is the class, times the share of its photos with this background
    of_scores = norm.logpdf(scores).sum(axis=1, keepdims=True) - norm.logpdf(scores) + norm.logpdf(scores - SIGNAL)
    shown = np.where(usual > 0, RATIO, (1 - RATIO) / (BACKGROUNDS - 1))
    bayes = np.argmax(of_scores + np.log(shown), axis=1)
    np.testing.assert_array_equal(bayes, np.argmax(SIGNAL * scores + BETA * usual, axis=1))
    wrong = np.argmax(SIGNAL * scores + np.log(RATIO / (1 - RATIO)) * usual, axis=1)
    assert np.mean(bayes != wrong) > 0.01


def test_softmax_regressions_score_is_zero_at_the_log_odds():
    """The gradient of the cross-entropy in both weights; not with the weight of a learner that forgets n - 1."""
    scores, usual, labels = photos_of(seeds.key(282), 60_000, SIGNAL, BACKGROUNDS, EACH, RATIO)
    scores, usual, labels = np.asarray(scores), np.asarray(usual), np.asarray(labels)

    def gradient(weights):
        logits = weights[0] * scores + weights[1] * usual
        share = np.exp(logits - logits.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        rows = np.arange(len(labels))
        parts = [part[rows, labels] - np.sum(share * part, axis=1) for part in (scores, usual)]
        return np.stack(parts, axis=1)

    assert agree(gradient((SIGNAL, BETA)), np.zeros(2))
    assert not agree(gradient((SIGNAL, np.log(RATIO / (1 - RATIO)))), np.zeros(2))
    assert not agree(gradient((SIGNAL, BETA / SIGNAL)), np.zeros(2))  # the weight in units of the noise
    fitted = np.asarray(fitted_of(jnp.asarray(scores), jnp.asarray(usual), jnp.asarray(labels)))
    np.testing.assert_allclose(fitted, (SIGNAL, BETA), atol=0.05)  # five deviations of 60,000 photos


@pytest.mark.parametrize("photos", ["common", "counter"])
def test_simulated_choices_are_right_as_often_as_stated(photos):
    size, weight, difficulty = 60_000, 0.8, 0.15
    ratio = 1.0 if photos == "common" else 0.0
    signal = SIGNAL if photos == "common" else (1 - difficulty) * SIGNAL
    drawn = photos_of(seeds.key(283), size, signal, BACKGROUNDS, EACH, ratio)
    right = float(right_of(*drawn, jnp.asarray(weight)))
    of_group = 0 if photos == "common" else 1
    candidates = float(BACKGROUNDS * EACH)

    def distance(expected):
        return abs(right - size * expected) / np.sqrt(size * expected * (1 - expected))

    assert distance(pair_of(SIGNAL, weight, candidates, BACKGROUNDS, difficulty)[of_group]) < CRITICAL
    # One rival too many with the photo's background, and none but the best of two candidates.
    assert distance(pair_of(SIGNAL, weight, candidates, candidates / (EACH + 1), difficulty)[of_group]) > CRITICAL
    assert distance(pair_of(SIGNAL, weight, 2.0, 2.0, difficulty)[of_group]) > CRITICAL


def test_of_two_classes_sight_is_a_hyperbola_and_noise_a_ray():
    for signal in (1.5, 2.0, 3.0):
        z = norm.ppf(curve_of(signal, Constants(log_odds=0.8), 2.0, 2.0))
        np.testing.assert_allclose(z[0] ** 2 - z[1] ** 2, 1.6, rtol=1e-7)
        np.testing.assert_allclose(slope_of(signal, Constants(log_odds=0.8), 2.0, 2.0), z[0] / z[1], rtol=1e-7)
        ray = norm.ppf(curve_of(signal, Constants(reliance=0.3), 2.0, 2.0))
        np.testing.assert_allclose(ray[1] / ray[0], 0.7 / 1.3, rtol=1e-7)  # S19's index is 0.3


def test_slopes_of_the_curves():
    """Reliance: -1 / (n - 1) where it begins, and below 0. Sight is above 1 where real models lie, others below."""
    step = 1e-5
    for candidates, backgrounds in ((12.0, 4.0), (1000.0, 5.2)):
        equal, tipped = (np.asarray(pair_of(3.0, t, candidates, backgrounds)) for t in (0.0, step))
        np.testing.assert_allclose(equal[0], equal[1], rtol=1e-12)
        slope = (tipped[1] - equal[1]) / (tipped[0] - equal[0])
        np.testing.assert_allclose(slope, -1 / (backgrounds - 1), rtol=1e-3)
        assert abs(slope + 1) > 0.5  # two backgrounds' slope
    weights = jnp.linspace(0.0, 4.0, 30)
    over = np.asarray(jax.jit(jax.vmap(lambda t: accuracy_pair(3.0, t, 1000.0, 5.2)))(weights))
    assert np.all(np.diff(over[:, 0]) > 0) and np.all(np.diff(over[:, 1]) < 0)
    at = [slope_of(3.9, constants, 1000.0, 5.2) for constants in
          (Constants(log_odds=1.79), Constants(reliance=0.119), Constants(difficulty=0.111))]  # fmt: skip
    assert 1.1 < at[0] < 1.2 and 0.85 < at[1] < 0.95 and 0.85 < at[2] < 0.95
    # The two end elsewhere: sight at (1 / g, 0), the others at chance.
    np.testing.assert_allclose(curve_of(1e-3, Constants(log_odds=1.79), 1000.0, 5.0), [1 / 200, 0], atol=2e-4)
    np.testing.assert_allclose(curve_of(1e-3, Constants(reliance=0.12), 1000.0, 5.0), 1 / 1000, rtol=0.01)


def test_difficulty_alone_leaves_common_accuracy_as_it_is():
    found = np.asarray(jax.jit(jax.vmap(lambda h: accuracy_pair(3.0, 0.4, 1000.0, 5.2, h)))(jnp.array([0.0, 0.2, 0.5])))
    assert np.ptp(found[:, 0]) == 0 and np.all(np.diff(found[:, 1]) < 0)


def test_single_precision_and_gradients():
    with jax.enable_x64(False):
        single = np.asarray(pair_of(3.7, 0.5, 1000.0, 5.2, 0.07))
        assert single.dtype == np.float32
    np.testing.assert_allclose(single, pair_of(3.7, 0.5, 1000.0, 5.2, 0.07), rtol=2e-5)
    slope = jax.jit(jax.grad(lambda t: accuracy_pair(3.7, t, 1000.0, 5.2)[1]))(0.5)
    moved = [pair_of(3.7, 0.5 + e, 1000.0, 5.2)[1] for e in (-1e-4, 1e-4)]
    np.testing.assert_allclose(slope, (moved[1] - moved[0]) / 2e-4, rtol=1e-6)
