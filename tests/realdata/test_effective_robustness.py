"""The line, each model's distance from it, and the joint test's level and power."""

import numpy as np
import pytest
from scipy.special import expit, logit

from realdata.statistics.effective_robustness import effective_robustness, robustness_of_one
from tests import seeds

pytestmark = pytest.mark.simulation


def population(rng, models, shift=0.0, low=0.0, high=2.5, noise=0.08, slope=1.15):
    common = rng.uniform(low, high, models)
    counter = -0.9 + slope * common + shift + noise * rng.normal(size=models)
    return expit(common), expit(counter)


def test_line_and_distances_are_least_squares_in_logits():
    rng = seeds.generator(0)
    baseline, models = population(rng, 15), population(rng, 9, shift=-0.3)
    result = effective_robustness(*baseline, *models)
    slope, intercept = np.polyfit(logit(baseline[0]), logit(baseline[1]), 1)  # an independent fit
    np.testing.assert_allclose([result.slope, result.intercept], [slope, intercept], rtol=1e-10)
    expected = 100 * (models[1] - expit(intercept + slope * logit(models[0])))
    np.testing.assert_allclose(result.values, expected, rtol=1e-9)
    assert result.mean == pytest.approx(expected.mean())


def test_standard_error_is_that_of_repetitions():
    """Over 2000 repetitions the spread of the mean is what single repetitions say it is, on the average."""
    rng = seeds.generator(1)
    means, variances, spread_only = [], [], []
    for _ in range(2000):
        models = population(rng, 20)
        result = effective_robustness(*population(rng, 12), *models)
        means.append(result.mean)
        variances.append(result.stderr**2)
        spread_only.append(np.var(result.values, ddof=1) / 20)
    # A variance over 2000 repetitions is known to sqrt(2 / 2000) = 3%; four times that.
    assert np.mean(variances) == pytest.approx(np.var(means), rel=0.13)
    assert np.mean(spread_only) < 0.8 * np.var(means)  # the line's own uncertainty forgotten


def test_joint_test_keeps_its_level_and_finds_a_shift():
    rng = seeds.generator(2)
    p_values = [effective_robustness(*population(rng, 15), *population(rng, 28)).p_value for _ in range(1000)]
    # 5% of 1000, give or take 3.3 standard deviations.
    assert abs(np.mean(np.array(p_values) < 0.05) - 0.05) < 3.3 * np.sqrt(0.05 * 0.95 / 1000)
    shifted = [effective_robustness(*population(rng, 15), *population(rng, 28, -0.12)).p_value for _ in range(200)]
    assert np.mean(np.array(shifted) < 0.05) > 0.8


def test_prediction_interval_covers_a_new_baseline_model():
    rng = seeds.generator(3)
    covered = []
    for _ in range(500):
        result = effective_robustness(*population(rng, 15), *population(rng, 4))
        covered.extend((result.intervals[:, 0] <= 0) & (result.intervals[:, 1] >= 0))
    assert abs(np.mean(covered) - 0.95) < 0.02  # 2000 models, four to a line


def test_extrapolation_is_counted_and_too_few_models_refused():
    rng = seeds.generator(4)
    baseline = population(rng, 15, low=0.5, high=1.5)
    result = effective_robustness(*baseline, *population(rng, 6, low=2.0, high=3.0))
    assert result.extrapolated == 6
    with pytest.raises(ValueError, match="at least three baseline models"):
        effective_robustness(baseline[0][:2], baseline[1][:2], *baseline)


def test_a_model_at_the_end_of_the_prediction_interval_has_a_p_value_of_5_percent():
    baseline = population(seeds.generator(5), 12)
    for end in robustness_of_one(*baseline, 0.7, 0.5).interval:
        at_the_end = robustness_of_one(*baseline, 0.7, 0.5 - end / 100)
        assert at_the_end.p_value == pytest.approx(0.05)
        assert min(map(abs, at_the_end.interval)) == pytest.approx(0.0, abs=1e-9)
