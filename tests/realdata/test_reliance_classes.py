"""Class by class: counts of photos, lines with binomial errors, and what is said of classes whose truth is planted."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.stats import binom, chi2, norm

from published.tables import read_classwise, read_published_tables
from realdata.reliance.class_summary import summarise
from realdata.reliance.classes import ask_classes, fit_classes, shift_variance
from realdata.reliance.count_lines import fit_counts, largest_p_value, left_share
from realdata.reliance.counts import ClassCounts, count, photo_count
from realdata.reliance.models import class_indices
from realdata.reliance.question import pool
from tests import seeds

pytestmark = pytest.mark.simulation

TABLES = read_published_tables()
CLASSES = 90
# Of a share of 90 classes at 5%: 3.7 binomial deviations, p = 1e-4.
TOLERANCE = 3.7 * np.sqrt(0.05 * 0.95 / CLASSES)


def planted(seed, models=15, slope=0.5, intercept=0.0, scatter=0.0, correlation=0.0):
    """Classes with the paper's photo counts and models on a line, whose photos are hard for all models alike or not."""
    rng = seeds.generator(seed)
    rows = TABLES.classes.iloc[np.arange(CLASSES) % 45]
    x = rng.uniform(0.4, 2.0, (CLASSES, models))
    y = intercept + slope * x + scatter * rng.normal(size=x.shape)
    right, photos = {}, {}
    for group, probits in (("common", x), ("counter", y)):
        numbers = rows[f"{group}_photos"].to_numpy(int)
        own = np.sqrt(1 - correlation)
        right[group] = np.stack(
            [
                np.sum(
                    z + np.sqrt(correlation) * rng.normal(size=(n, 1)) + own * rng.normal(size=(n, models)) > 0, axis=0
                )
                for z, n in zip(probits, numbers, strict=True)
            ]
        ).astype(float)
        photos[group] = np.repeat(numbers[:, None].astype(float), models, axis=1)
    labels = pd.DataFrame({"imagenet_index": np.arange(CLASSES), "label": "made"})
    names = pd.DataFrame({"backbone": [f"model{number}" for number in range(models)], "pretrain": "made"})
    return ClassCounts("replication", labels, names, right, photos, np.ones(x.shape, bool), ())


def uncorrected(questions):
    return [question.answer(lambda p: p) for question in questions]


def share(tests, line):
    return np.mean([test.p_values[line] < 0.05 for test in tests])


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_rays_are_not_rejected_beyond_chance_whether_or_not_models_share_hard_photos(correlation):
    fits = fit_classes(planted(0, correlation=correlation))
    asked = ask_classes(fits)
    tests = uncorrected(asked)
    assert share(tests, "ray") < 0.05 + TOLERANCE
    assert np.mean([test.intercept_p_value < 0.05 for test in tests]) < 0.05 + TOLERANCE
    held = [(test.intercept_interval[0] or -9) < 0 < (test.intercept_interval[1] or 9) for test in tests]
    assert np.mean(held) > 0.95 - TOLERANCE
    (summary,) = uncorrected([summarise(fits, asked)])
    assert summary.verdict == "ray" and summary.slope == pytest.approx(0.5, abs=0.05)
    assert share(tests, "shift") > 0.5 and share(tests, "chance") > 0.3  # power


def test_a_line_has_one_degree_of_freedom_less_than_a_ray():
    """As many models as points; each line's deviance has its p-value, and the ray's stands beside it."""
    fits = fit_classes(planted(6, models=5))
    for test in uncorrected(ask_classes(fits)):
        assert test.freedom == 4
        assert test.overdispersion == pytest.approx(test.deviance["ray"] / 4)


def test_shifts_scatter_no_more_than_their_variance_where_models_share_hard_photos():
    """Half of the error is common to all models, so that their number does not make it small."""
    fits = fit_classes(planted(7, slope=1.0, intercept=-0.7, correlation=0.5))
    distance = (fits.lines["shift"].intercept + 0.7) ** 2 / shift_variance(fits)
    assert 0.1 < np.mean(distance) < 1.0  # about 1/2 is expected, known to a seventh from 90 classes


@pytest.mark.slow
def test_harder_photos_are_told_as_a_shift():
    fits = fit_classes(planted(1, slope=1.0, intercept=-0.7))
    asked = ask_classes(fits)
    tests = uncorrected(asked)
    others = [uncorrected(ask_classes(fit_classes(planted(seed, slope=1.0, intercept=-0.7)))) for seed in (6, 7)]
    wrong = np.mean([share(each, "shift") for each in (tests, *others)])
    assert wrong < 0.05 + TOLERANCE / np.sqrt(3) and share(tests, "ray") > 0.9
    assert np.mean([test.intercept_p_value < 0.05 for test in tests]) > 0.95
    (summary,) = uncorrected([summarise(fits, asked)])
    # An interval of 95% misses 1 in one draw of 20, so that its test is held to one in 10,000; it is narrow.
    assert summary.verdict == "shift" and summary.slope_p_value > 1e-4
    assert 0.9 < summary.slope_interval[0] < summary.slope_interval[1] < 1.1
    # The models' own scatter about a ray is no shift, and is told by the deviance.
    assert share(uncorrected(ask_classes(fit_classes(planted(2, scatter=0.25)))), "ray") > 0.8


def test_detectable_intercept_is_found_in_four_of_five():
    """Of classes with the intercept that is given as detectable, 80% show it; photos are each model's own."""
    found = np.median([test.detectable_intercept for test in uncorrected(ask_classes(fit_classes(planted(3))))])
    tests = uncorrected(ask_classes(fit_classes(planted(4, intercept=-found))))
    power = np.mean([test.intercept_p_value < 0.05 for test in tests])
    assert 0.55 < power < 0.95  # the median class has 80%, others more and less


def test_line_is_the_maximum_of_the_binomial_likelihood():
    counts = planted(5, models=6, slope=0.8, intercept=-0.4)
    fit = fit_counts(counts.right, counts.photos, counts.known)
    for c in (0, 7):
        data = [
            counts.right["common"][c],
            counts.photos["common"][c],
            counts.right["counter"][c],
            counts.photos["counter"][c],
        ]

        def loss(values, data=data):
            a, n, b, m = data
            # Far from the maximum a chance of exactly 0 or 1 would have no logarithm.
            common, counter = np.clip(norm.cdf([values[2:], values[0] + values[1] * values[2:]]), 1e-15, 1 - 1e-15)
            return -np.sum(binom.logpmf(a, n, common) + binom.logpmf(b, m, counter))

        ours = loss(np.concatenate([[fit.intercept[c], fit.slope[c]], fit.places[c]]))
        best = minimize(loss, np.concatenate([[-0.3, 0.9], fit.places[c] + 0.05]), method="BFGS")
        assert ours <= best.fun + 1e-6
        a, n, b, m = data
        most = np.sum(binom.logpmf(a, n, a / n) + binom.logpmf(b, m, b / m))
        assert fit.deviance[c] == pytest.approx(2 * (ours + most), abs=1e-6)


def test_p_value_is_the_largest_over_the_correlation():
    weights = np.array([[4.0, 9.0, 1.0, 2.0]])
    ray = np.array([[0.1, -0.5, 1.0, 2.0]])[..., None]
    left = left_share(weights, ray)
    root = np.sqrt(weights[0])
    tangent = root * ray[0, :, 0]
    # By projection: what is left of a common movement of all standardised residuals.
    rest = np.ones(4) - tangent * tangent.sum() / np.sum(tangent**2)
    assert left[0] == pytest.approx(np.sum(rest**2) / 4)
    assert left_share(weights, np.stack([1 / root[None], ray[..., 0]], axis=-1))[0] == pytest.approx(0, abs=1e-12)
    freedom, models = np.array([3]), np.array([4])
    rng = seeds.generator(0)
    found = largest_p_value(np.array([9.0]), freedom, models, left)[0]
    simulated = []
    for rho in np.linspace(0, 1, 11):
        common = np.sqrt(1 - rho + rho * 4 * left[0]) * rng.normal(size=200_000)
        simulated.append(np.mean(common**2 + (1 - rho) * rng.chisquare(2, size=200_000) > 9.0))
    # 11 shares of 200,000: 4 deviations of the largest.
    assert found == pytest.approx(max(simulated), abs=4 * np.sqrt(max(simulated) / 200_000) + 1e-3)
    assert found > 2 * chi2.sf(9.0, 3)  # independent errors would say too little
    assert largest_p_value(np.array([9.0]), freedom, models, np.array([0.0]))[0] == pytest.approx(
        chi2.sf(9.0, 3), rel=1e-3
    )


def test_photo_counts_are_recovered_and_strangers_told():
    shares = np.round(np.array([10, 57, 90, 113]) / 113, 8)
    assert photo_count(shares, 113, 0.5e-8)[0] == 113
    assert photo_count(shares, 118, 0.5e-8)[0] == 113  # five photos were missing
    number, fits = photo_count(np.append(shares, 11 / 12), 118, 0.5e-8)
    assert number == 113 and fits.tolist() == [True] * 4 + [False]
    assert photo_count(np.array([0.12345, 0.5]), 40, 0.5e-8)[0] == 40  # one of two is nobody's majority
    classwise = read_classwise()
    paper = count("paper", classwise["paper"], TABLES.classes)
    prairie = paper.classes["imagenet_index"].tolist().index(83)
    assert set(paper.photos["common"][prairie]) == {259.0}  # printed as 25, over which no accuracy is a count
    assert paper.left_out == ("ViT/B/32 OpenAI, lion, counter: 62.22% is no count of 222 photos",)
    for source, frame in classwise.items():
        counts = count(source, frame, TABLES.classes)
        again = 100 * counts.right["counter"] / counts.photos["counter"]
        for number, model in counts.models.iterrows():
            own = frame[(frame["backbone"] == model["backbone"]) & (frame["pretrain"] == model["pretrain"])]
            printed = own.set_index("imagenet_index")["counter"].reindex(counts.classes["imagenet_index"]).to_numpy()
            known = counts.known[:, number]
            assert np.abs(again[known, number] - printed[known]).max() < 0.0051
    # Wrong photos are noticed: with other numbers of photos hardly any accuracy is a count.
    other = TABLES.classes.assign(counter_photos=TABLES.classes["counter_photos"] + 1)
    assert count("paper", classwise["paper"], other).photos["counter"].sum() == paper.photos["counter"].sum()


def test_index_over_classes_is_recovered_with_its_spread():
    rng = seeds.generator(6)
    counts = planted(6, models=4)
    tau = np.tan(np.arctan(0.4) + 0.15 * rng.normal(size=(CLASSES, 1)))
    x = rng.uniform(0.5, 1.8, (CLASSES, 4))
    for group, z in (("common", x), ("counter", x * (1 - tau) / (1 + tau))):
        counts.right[group][:] = rng.binomial(counts.photos[group].astype(int), norm.cdf(z))
    index = class_indices(counts)
    for number in range(4):
        value, error = (np.asarray(part)[:, number] for part in index)
        has = ~np.isnan(value)
        found = pool(np.arctan(value[has]), (error[has] / (1 + value[has] ** 2)) ** 2)
        # Four intervals at 95%, widened to 4 of their standard errors for the suite.
        assert abs(found.mean - np.arctan(0.4)) < 2 * (found.interval[1] - found.mean)
        assert found.spread == pytest.approx(0.15, abs=4 * 0.15 / np.sqrt(2 * CLASSES) + 0.02)
        assert found.heterogeneity_p_value < 1e-6
    even = pool(rng.normal(0.4, 0.1, 45), np.full(45, 0.01))
    assert even.spread < 0.06 and even.heterogeneity_p_value > 1e-3


@pytest.mark.parametrize("spread", [0.01, 0.5])
def test_a_pooled_interval_ends_where_its_test_rejects(spread):
    """At its ends the p-value is 5%, two-sided, by Student's t of few classes, spread or not."""
    effects = 0.3 + spread * np.array([-1.0, 0.2, 0.9, -0.4, 1.1, -0.8])
    variances = np.array([0.01, 0.02, 0.015, 0.03, 0.01, 0.02])
    for end in pool(effects, variances).interval:
        assert pool(effects, variances, null=end).p_value == pytest.approx(0.05)
