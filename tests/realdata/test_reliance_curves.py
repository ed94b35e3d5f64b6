"""S28's curves on planted averages, whose theory is known, and on the published ones by an independent route."""

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import log_ndtr
from scipy.stats import norm

from published.directory import DIRECTORY
from published.tables import read_others, read_published_tables
from realdata.claims.other_models import FULL
from realdata.reliance.average_lines import Group, p_value
from realdata.reliance.curve_tests import (
    MASKED,
    read_other_models,
    score,
)
from realdata.reliance.curves import BACKGROUNDS, curve_with, fit_curve, follow
from realdata.reliance.families import probits
from tests import seeds

pytestmark = pytest.mark.simulation

# Of a model's averages over about 6,000 photos.
ERROR = 0.02


def planted(rng, constants, count, scatter=0.02, low=0.3, high=1.3):
    """Models on a curve, with photos' errors in both accuracies and a scatter of their own."""
    common = np.linspace(low, high, count)
    counter = follow(curve_with(constants, 1000), common)[0] + scatter * rng.normal(size=count)
    errors = np.full(count, ERROR)
    return Group(common + ERROR * rng.normal(size=count), errors, counter + ERROR * rng.normal(size=count), errors)


@pytest.fixture(scope="module")
def sights():
    """Twelve families of 15 models that differ in sight: each with two theories, plain and turned."""
    rng = seeds.generator(28)
    found = []
    for _ in range(12):
        group = planted(rng, {"log_odds": 1.8}, 15)
        found.append(
            (group, {name: [fit_curve(group, name, 1000, tilted) for tilted in (False, True)]
                     for name in ("sight", "noise")})
        )  # fmt: skip
    return found


def test_planted_log_odds_are_recovered_and_only_the_wrong_theory_is_rejected(sights):
    z = [(of["sight"][0].constants[0] - 1.8) / of["sight"][0].covariance[0, 0] ** 0.5 for _, of in sights]
    assert np.abs(z).max() < 6 and np.abs(np.mean(z)) < 4.5 / np.sqrt(len(z))  # Student's t with 14, p < 1e-4
    p_values = {name: [p_value(*of[name]) for _, of in sights] for name in ("sight", "noise")}
    assert np.mean(np.array(p_values["sight"]) < 0.05) < 0.05 + 3.7 * np.sqrt(0.05 * 0.95 / len(sights))
    assert max(p_values["noise"]) < 0.01
    tilts = [of["noise"][1].constants[-1] for _, of in sights]
    assert min(tilts) > 0.1  # the models are steeper than the theory


def test_constants_of_one_family_predict_another_with_the_same_and_miss_one_with_others(sights):
    group, of = sights[0]
    rng = seeds.generator(29)
    means = {}
    for name, constants in (("same", {"log_odds": 1.8}), ("other", {"log_odds": 2.6})):
        scored = score(of["sight"][0], planted(rng, constants, 28))
        error = np.sqrt(scored.residual.var(ddof=1) / 28 + scored.of_constants)
        means[name] = scored.residual.mean() / error
    assert abs(means["same"]) < 4 and means["other"] < -8
    held = planted(rng, {"log_odds": 1.8}, 28)
    scores = {name: score(of[name][0], held) for name in of}
    assert scores["sight"].log_score.mean() > scores["noise"].log_score.mean() + 0.2
    assert scores["sight"].crps.mean() < scores["noise"].crps.mean()
    assert len(group.common) == 15


def test_without_a_background_only_the_difficulty_is_left():
    given = np.array([0.2, 0.7])
    for constants in ({"log_odds": 1.8}, {"reliance": 0.12}):
        np.testing.assert_allclose(follow(curve_with(constants, 1000).without_background(), given)[0], given, atol=1e-6)
    both = curve_with({"log_odds": 1.8, "difficulty": 0.1}, 1000).without_background()
    alone = curve_with({"difficulty": 0.1}, 1000)
    np.testing.assert_allclose(follow(both, given)[0], follow(alone, given)[0], atol=1e-9)
    assert np.all(follow(alone, given)[0] < given - 0.2)


def right(lead, raised, unraised, step):
    """The probability of a choice, by SciPy's adaptive quadrature."""
    log_all = lambda x: raised * log_ndtr(x + lead) + unraised * log_ndtr(x + lead + step)  # noqa: E731
    density = lambda x: np.exp(log_all(x) - x**2 / 2) / np.sqrt(2 * np.pi)  # noqa: E731
    return quad(density, -8.5, 8.5, epsabs=1e-11)[0]


def test_a_curve_is_followed_as_by_root_finding():
    usual = 1000 / BACKGROUNDS
    for common in (0.3, 1.1):
        common_of = lambda d: norm.ppf(right(d, usual - 1, 1000 - usual, 1.8 / d)) - common  # noqa: B023, E731
        d = brentq(common_of, 2.0, 7.0, xtol=1e-10)
        expected = norm.ppf(right(d, 1000 - usual - 1, usual, -1.8 / d))
        found = follow(curve_with({"log_odds": 1.8}, 1000), np.array([common]))[0][0]
        assert found == pytest.approx(expected, abs=1e-6)


def test_each_is_predicted_by_the_others_as_if_it_had_been_left_out(sights):
    """The leverage's residual against fits without each model, to second order in it; the plain residual is smaller."""
    group, of = sights[0]
    scored = score(of["sight"][0], group, group)
    plain = group.counter - follow(of["sight"][0], group.common)[0]
    for left in (0, 14):
        without = fit_curve(Group(*(np.delete(part, left) for part in group)), "sight", 1000)
        refitted = group.counter[left] - follow(without, group.common[[left]])[0][0]
        assert scored.residual[left] == pytest.approx(refitted, abs=0.15 * abs(refitted) + 1e-3)
        assert abs(scored.residual[left]) > abs(plain[left])


def test_crps_is_the_integral_of_the_squared_distance(sights):
    group, of = sights[0]
    scored = score(of["sight"][0], group)
    least = int(np.argmin(np.abs(scored.residual)))  # within one deviation, where the density says which it is
    residual = scored.residual[least]
    deviation = brentq(lambda s: norm.logpdf(residual, 0, s) - scored.log_score[least], abs(residual) + 1e-6, 5.0)
    square = lambda y: (norm.cdf(y, 0, deviation) - (y > residual)) ** 2  # noqa: E731
    expected = quad(square, -1, residual, limit=200)[0] + quad(square, residual, 1, limit=200)[0]
    assert scored.crps[least] == pytest.approx(expected, rel=1e-5)


def test_backgrounds_are_those_of_table_2():
    shares = pd.read_csv(DIRECTORY / "classes.csv")["common_background"].value_counts(normalize=True)
    assert pytest.approx(1 / np.sum(shares**2), abs=0.05) == BACKGROUNDS


def test_photos_without_background_have_a_third_of_the_log_odds():
    """The ten models on grey, and the same ten on whole photos; the numbers of docs/theory/accuracy_curves.md."""
    masked = read_other_models()[MASKED]
    occam = read_others("occam_counteranimal.csv")
    whole = occam[(occam["view"] == FULL) & occam["model"].isin(masked["model"])]
    classes = read_published_tables().classes
    groups = [
        Group(*(np.asarray(part) for place in probits(models, "balanced", classes) for part in place))
        for models in (masked, whole)
    ]
    left, all_of_it = (fit_curve(group, "sight", 1000).constants[0] for group in groups)
    assert left == pytest.approx(0.64, abs=0.005) and all_of_it == pytest.approx(1.80, abs=0.005)
    others = [fit_curve(groups[0], theory, 1000).aicc for theory in ("noise", "difficulty", "shift", "line")]
    assert fit_curve(groups[0], "sight", 1000).aicc < min(others) - 2
