"""S8: when the linearised contrastive learner is more robust than least squares, and than logistic regression."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit

from tests import seeds
from tests.theorems.monte_carlo import CRITICAL, UNROUND, draw_in_plane, stacked, z_scores
from theory import (
    PROMPTS,
    SpuriousModel,
    group_accuracies,
    latent_prompt,
    least_squares_direction,
    logistic_direction,
    zero_shot_direction,
)
from theory.model import Caption
from theory.report import boundary
from theory.statements.boundary import (
    critical_ratio_against_logistic,
    critical_squared_agreement,
    linearised_reliance,
    spurious_reliance,
)
from theory.statements.captions import caption_covariance
from theory.statements.prompts import mixed_prompt
from workbench.compilation import jit

pytestmark = pytest.mark.statement("S8")


def random_models(count, seed=0):
    rng = seeds.generator(seed)
    for _ in range(count):
        mu_inv, mu_spu, sigma_inv, sigma_spu, sigma_xi = np.exp(rng.uniform(-1.2, 1.2, 5)).tolist()
        yield dataclasses.replace(
            UNROUND, mu_inv=mu_inv, mu_spu=mu_spu, sigma_inv=sigma_inv, sigma_spu=sigma_spu, sigma_xi=sigma_xi
        )


@pytest.fixture(scope="module")
def compared():
    """300 random models at as many ratios, at their critical ratio and always aligned; results by prompt."""

    def reliances(model, prompt):
        """Of the contrastive learner, and of least squares."""
        return spurious_reliance(zero_shot_direction(model, prompt)), spurious_reliance(least_squares_direction(model))

    def of(model):
        found = {}
        for prompt in PROMPTS:
            squared = critical_squared_agreement(model, prompt)
            contrastive, supervised = zero_shot_direction(model, prompt), least_squares_direction(model)
            critical = (1 + jnp.sqrt(jnp.clip(squared, 0.0, 1.0))) / 2
            found[prompt] = {
                "excess": model.agreement**2 - squared,
                "squared": squared,
                "reliances": reliances(model, prompt),
                "gain": group_accuracies(model, contrastive)[1] - group_accuracies(model, supervised)[1],
                "at critical": reliances(dataclasses.replace(model, spurious_ratio=critical), prompt),
                "always aligned": reliances(dataclasses.replace(model, spurious_ratio=jnp.asarray(1.0)), prompt),
            }
        return found

    models = stacked(random_models(300))
    models = dataclasses.replace(models, spurious_ratio=0.51 + 0.49 * jnp.arange(300) / 300)
    return models, jax.tree.map(np.asarray, jax.jit(jax.vmap(of))(models))


@pytest.mark.parametrize("prompt", PROMPTS)
def test_condition_is_that_of_the_directions_themselves(prompt, compared):
    """On 300 models and ratios: the sign of r^2 - r_c^2 is the sign of the difference in accuracy."""
    found = compared[1][prompt]
    contrastive, supervised = found["reliances"]
    above = found["excess"] > 0
    np.testing.assert_array_equal(supervised - contrastive > 0, above)
    told = np.abs(found["gain"]) > 1e-12  # both may be 0 or 1 to rounding
    np.testing.assert_array_equal((found["gain"] > 0)[told], above[told])
    assert 30 < above.sum() < 270  # both sides were tested


@pytest.mark.parametrize("prompt", PROMPTS)
def test_at_the_critical_ratio_both_learners_decide_alike(prompt, compared):
    found = compared[1][prompt]
    within = (found["squared"] > 0.01) & (found["squared"] < 0.99)
    contrastive, supervised = (each[within] for each in found["at critical"])
    np.testing.assert_allclose(contrastive, supervised, rtol=1e-10)
    assert within.sum() >= 5


def test_reliance_lowers_conflicting_accuracy():
    reliances = jnp.linspace(0.0, 8.0, 200)
    directions = jnp.stack([jnp.ones(200), reliances], axis=1)
    conflicting = jax.jit(jax.vmap(lambda direction: group_accuracies(UNROUND, direction)[1]))(directions)
    assert np.all(np.diff(conflicting) < 0)


def reliance_of_fitted(sample, prompt):
    """Of the contrastive rule of each batch, with the prompt's place in the signal's plane; noise off it included."""
    rules = np.einsum("rni,rn->ri", sample.images[..., :2], sample.texts[..., :2] @ prompt)
    return rules[:, 1] / rules[:, 0]


@pytest.mark.parametrize(("prompt", "sigma_inv"), [("label", 0.7), ("class-mean", 1.1)])
def test_simulation_flips_at_the_critical_ratio(prompt, sigma_inv):
    """Learners fitted to samples, on either side of the boundary; a wrong boundary would have them all on one side."""
    model = dataclasses.replace(UNROUND, mu_spu=1.5, sigma_inv=sigma_inv, sigma_spu=0.5, sigma_xi=0.8)
    critical = (1 + np.sqrt(float(critical_squared_agreement(model, prompt)))) / 2
    for ratio, sign in ((critical - 0.06, -1), (critical + 0.06, 1)):
        at_ratio = dataclasses.replace(model, spurious_ratio=ratio)
        sample = draw_in_plane(at_ratio, 40 * 3000, seed=9, dims=(model.image_dim, 2)).batches(40)
        moments = np.swapaxes(sample.images, 1, 2) @ sample.images
        weighted = np.einsum("rni,rn->ri", sample.images, sample.labels)
        supervised = np.linalg.solve(moments, weighted[:, :, None])[:, :, 0]
        contrastive = reliance_of_fitted(sample, np.asarray(latent_prompt(at_ratio, prompt)))
        # Reliance of least squares minus that of the contrastive rule, both fitted to one sample.
        assert sign * z_scores(supervised[:, 1] / supervised[:, 0] - contrastive, 0.0) > CRITICAL


def test_image_noise_moves_the_boundary_of_the_label_prompt_alone():
    noiseless = dataclasses.replace(UNROUND, sigma_xi=0.0)
    moved = {
        prompt: abs(float(critical_squared_agreement(UNROUND, prompt) - critical_squared_agreement(noiseless, prompt)))
        for prompt in PROMPTS
    }
    assert moved["label"] > 0.05 and moved["class-mean"] < 1e-12  # rounding of numbers of order 1


@pytest.mark.parametrize("prompt", PROMPTS)
def test_in_the_limit_of_theorem_62_contrastive_is_the_more_robust(prompt, compared):
    """Always aligned and sigma_inv > sigma_spu, as the theorem assumes, at 100 otherwise random models."""
    models, found = compared
    assumed = models.sigma_inv > models.sigma_spu
    contrastive, supervised = (each[assumed] for each in found[prompt]["always aligned"])
    assert np.all(contrastive < supervised)
    assert assumed.sum() > 80


def test_boundary_program(call_program, refused):
    done = call_program("theory", "boundary", "--mu-spu", "1.5", "--json", "-")
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    rows = {row["prompt"]: row for row in printed["boundaries"]}
    # At the defaults by hand, from the inequalities multiplied out: with v = sigma^2 + 1/16, label
    # (mu_spu^2 + v_spu - v_inv (1 + sigma_inv^2)) / mu_spu^2 = (2.5625 - 2.125) / 2.25, class-mean 1.5 / 2.25.
    assert rows["label"]["critical_ratio"] == pytest.approx((1 + np.sqrt(0.4375 / 2.25)) / 2, rel=1e-12)
    assert rows["class-mean"]["critical_ratio"] == pytest.approx((1 + np.sqrt(1.5 / 2.25)) / 2, rel=1e-12)
    assert {row["more_robust"] for row in rows.values()} == {"above the critical ratio"}
    table = call_program("theory", "boundary", "--sigma-inv", "3")
    assert "at every ratio" in table.stdout
    refused("theory", "boundary", "--sigma-inv", "-1", words=["--sigma-inv", "at least 0"])


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"sigma_inv": 3.0}, "at every ratio above 1/2"),
        ({"sigma_inv": 0.1}, "at no ratio"),
        ({"mu_spu": 0.0}, "at no ratio: the spurious feature says nothing, and both ignore it"),
    ],
)
def test_without_a_boundary_it_says_which_side_everything_is_on(change, where):
    for row in boundary(dataclasses.replace(UNROUND, **change))["boundaries"]:
        if row["prompt"] == "label":
            assert row["critical_ratio"] is None and row["more_robust"] == where


OTHER_CAPTIONS = [Caption("latent", 0.7, 0.4), Caption("label"), Caption("label-attribute", 0.9, 0.3)]


@pytest.fixture(scope="module")
def compared_by_caption():
    """120 models and ratios: r^2 - r_c^2 and how much less the contrastive learner leans, by caption and prompt."""

    def sides(model, caption, prompt):
        share = {"label": 0.0, "class-mean": 1.0}.get(prompt, 0.4)
        contrastive = caption_covariance(model, caption) @ mixed_prompt(model, share, caption)
        return (
            model.agreement**2 - critical_squared_agreement(model, prompt, caption),
            spurious_reliance(least_squares_direction(model)) - spurious_reliance(contrastive),
        )

    def of(model):
        prompts = "label", "class-mean", "mixture:0.4"
        return {
            (caption.kind, prompt): sides(model, caption, prompt) for caption in OTHER_CAPTIONS for prompt in prompts
        }

    models = stacked(random_models(120, seed=3))
    models = dataclasses.replace(models, spurious_ratio=0.51 + 0.49 * jnp.arange(120) / 120)
    return jax.jit(jax.vmap(of))(models)


@pytest.mark.parametrize("caption", OTHER_CAPTIONS, ids=lambda caption: caption.kind)
@pytest.mark.parametrize("prompt", ["label", "class-mean", "mixture:0.4"])
def test_condition_for_other_captions_and_mixtures(caption, prompt, compared_by_caption):
    excess, less_reliance = map(np.asarray, compared_by_caption[caption.kind, prompt])
    np.testing.assert_array_equal(less_reliance > 0, excess > 0)
    assert 10 < np.sum(excess > 0) < 110  # both sides were tested


against_logistic = jax.jit(critical_ratio_against_logistic, static_argnums=(1, 2))


def fitted_logistic(images, labels):
    """Logistic regression on each batch, by Newton's method from 0: eight steps are more than it needs here."""
    turned = images * labels[:, :, None]
    weights = np.zeros((len(images), images.shape[2]))
    for _ in range(8):
        wrong = expit(-np.einsum("rni,ri->rn", turned, weights))
        curvature = np.swapaxes(turned * (wrong * (1 - wrong))[:, :, None], 1, 2) @ turned
        weights += np.linalg.solve(curvature, np.einsum("rni,rn->ri", turned, wrong)[:, :, None])[:, :, 0]
    return weights


@pytest.mark.slow
@pytest.mark.parametrize(("prompt", "critical", "size"), [("label", 0.8164, 20_000), ("class-mean", 0.9698, 4000)])
def test_fitted_learners_cross_at_the_critical_ratio_against_logistic_regression(prompt, critical, size):
    """At the defaults, whose ratios the page prints: 0.03 below and above, and not at least squares' ratio."""
    model = dataclasses.replace(SpuriousModel(), image_dim=5, text_dim=7, sigma_xi=np.sqrt(5 / 16))  # defaults' noise
    found = float(against_logistic(model, prompt))
    np.testing.assert_allclose(found, against_logistic(SpuriousModel(), prompt), rtol=1e-9)
    assert abs(found - critical) < 5e-5  # as printed
    of_least_squares = (1 + np.sqrt(float(critical_squared_agreement(model, prompt)))) / 2
    # At least squares' ratio logistic regression is the more robust: that boundary is rejected.
    for ratio, sign in ((found - 0.03, -1), (found + 0.02, 1), (of_least_squares, -1)):
        at_ratio = dataclasses.replace(model, spurious_ratio=ratio)
        sample = draw_in_plane(at_ratio, 40 * size, seed=10, dims=(model.image_dim, 2)).batches(40)
        supervised = fitted_logistic(sample.images, sample.labels)
        contrastive = reliance_of_fitted(sample, np.asarray(latent_prompt(at_ratio, prompt)))
        assert sign * z_scores(supervised[:, 1] / supervised[:, 0] - contrastive, 0.0) > CRITICAL


@pytest.fixture(scope="module")
def crossings(compared):
    """At 24 ratios and for each prompt: the excess over logistic regression, where it is 0, and r_c^2.

    Of 24 models: eight that cross least squares with each prompt, and the first eight of all.
    """
    models, found = compared
    within = [np.flatnonzero((found[prompt]["squared"] > 0) & (found[prompt]["squared"] < 1))[:8] for prompt in PROMPTS]
    chosen = np.concatenate([np.arange(8), *within])
    ratios = jnp.linspace(0.505, 0.9995, 24)

    def of(model):
        def at(ratio):
            """Reliance of the linearised learner, by prompt, less that of logistic regression."""
            at_ratio = dataclasses.replace(model, spurious_ratio=ratio)
            supervised = spurious_reliance(logistic_direction(at_ratio))
            return {prompt: linearised_reliance(at_ratio, prompt) - supervised for prompt in PROMPTS}

        excess = jax.lax.map(at, ratios)
        return {
            prompt: (
                excess[prompt],
                critical_ratio_against_logistic(model, prompt),
                critical_squared_agreement(model, prompt),
            )
            for prompt in PROMPTS
        }

    return np.asarray(ratios), jit(lambda models: jax.lax.map(of, models), long=True)(
        jax.tree.map(lambda values: values[chosen], models)
    )


@pytest.mark.parametrize("prompt", PROMPTS)
def test_against_logistic_regression_there_is_one_crossing_where_there_is_one_against_least_squares(prompt, crossings):
    """24 models at 24 ratios: as many changes of sign as the function says, at its ratio; it lies above the other."""
    ratios, found_of = crossings
    crossed = 0
    for excess, found, squared in zip(*map(np.asarray, found_of[prompt]), strict=True):
        assert np.isnan(found) == (not 0 <= squared < 1)
        assert np.isfinite(excess).all()
        changes = np.flatnonzero(np.sign(excess[1:]) * np.sign(excess[:-1]) == -1)
        if np.isnan(found) or not ratios[0] < found < ratios[-1]:
            assert len(changes) == 0
            continue
        crossed += 1
        assert len(changes) == 1 and excess[0] > 0
        assert ratios[changes[0]] <= found <= ratios[changes[0] + 1]
        assert found > (1 + np.sqrt(squared)) / 2
    assert crossed > 5


def test_logistic_regressions_reliance_is_an_agreement_weighted_by_its_errors():
    """r~ by simulation at the optimum of S6; the agreement itself, and least squares' factor, are rejected."""
    sample = draw_in_plane(UNROUND, 400_000, seed=11)
    direction = logistic_direction(UNROUND)
    weights = expit(-sample.labels * (sample.images @ np.asarray(direction)))
    agreements = sample.labels * sample.attributes
    (mu_inv, mu_spu), (v_inv, v_spu) = np.asarray(UNROUND.latent_mean), np.asarray(UNROUND.image_variance)
    by_hand = float(spurious_reliance(direction)) * mu_inv * v_spu / (mu_spu * v_inv)
    r = float(UNROUND.agreement)
    # E[weight (y a - r~)] = 0 is the definition, free of the normalisation.
    assert abs(z_scores(weights * (agreements - by_hand), 0.0)) < CRITICAL
    for wrong in (r, r * v_spu / ((1 - r**2) * mu_spu**2 + v_spu)):
        assert abs(z_scores(weights * (agreements - wrong), 0.0)) > CRITICAL


def test_supervised_rules_agree_at_both_ends_and_logistic_regression_leans_less_in_between():
    def of(model):
        """Reliances of logistic regression and least squares near 1/2, at 1 and in between."""
        at = [dataclasses.replace(model, spurious_ratio=jnp.asarray(ratio)) for ratio in (0.5 + 1e-6, 1.0, 0.8)]
        return [
            [spurious_reliance(direction(each)) for direction in (logistic_direction, least_squares_direction)]
            for each in at
        ]

    near_half, aligned, between = jax.jit(jax.vmap(of))(stacked(random_models(20, seed=5)))
    np.testing.assert_allclose(*near_half, rtol=1e-5)  # the next term near 1/2 is of order r^2
    np.testing.assert_allclose(*aligned, rtol=1e-9)
    assert np.all(between[0] < between[1] * (1 - 1e-6))


def test_boundary_program_prints_both_references(call_program):
    rows = json.loads(call_program("theory", "boundary", "--json", "-").stdout)["boundaries"]
    found = {row["prompt"]: row["critical_ratio_against_logistic"] for row in rows}
    assert found["label"] == pytest.approx(0.8164, abs=5e-5) and found["class-mean"] == pytest.approx(0.9698, abs=5e-5)
    assert "0.7205 (0.8164)" in call_program("theory", "boundary").stdout
    for row in boundary(dataclasses.replace(UNROUND, sigma_inv=3.0))["boundaries"]:
        assert row["critical_ratio_against_logistic"] is None


def test_boundary_refuses_what_it_does_not_cover(refused):
    refused("theory", "boundary", "--class-prior", "0.3", words=["--class-prior", "0.5", "0.3"])
    refused("theory", "boundary", "--prompt", "best", words=["prompt", "best"])
    refused("theory", "boundary", "--mention-inv", "0", words=["--mention-inv", "above 0"])
