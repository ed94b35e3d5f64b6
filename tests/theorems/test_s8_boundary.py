"""S8: when the linearised contrastive learner is more robust than least squares, and than logistic regression."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.synthetic.sampler import sample_bases, sample_batch
from tests import seeds
from tests.theorems.monte_carlo import CRITICAL, UNROUND, draw, z_scores
from theory import (
    PROMPTS,
    SpuriousModel,
    group_accuracies,
    latent_prompt,
    least_squares_direction,
    logistic_direction,
    zero_shot_direction,
)
from theory.report import boundary
from theory.statements.boundary import (
    critical_ratio_against_logistic,
    critical_squared_agreement,
    linearised_reliance,
    spurious_reliance,
)
from theory.statements.captions import Caption, caption_covariance
from theory.statements.prompts import mixed_prompt

pytestmark = pytest.mark.statement("S8")


def random_models(count, seed=0):
    rng = seeds.generator(seed)
    for _ in range(count):
        mu_inv, mu_spu, sigma_inv, sigma_spu, sigma_xi = np.exp(rng.uniform(-1.2, 1.2, 5)).tolist()
        yield dataclasses.replace(
            UNROUND, mu_inv=mu_inv, mu_spu=mu_spu, sigma_inv=sigma_inv, sigma_spu=sigma_spu, sigma_xi=sigma_xi
        )


def _compare(model, prompt):
    """r^2 - r_c^2, then how much less the contrastive learner relies on the spurious feature and errs."""
    contrastive, supervised = zero_shot_direction(model, prompt), least_squares_direction(model)
    return (
        model.agreement**2 - critical_squared_agreement(model, prompt),
        spurious_reliance(supervised) - spurious_reliance(contrastive),
        group_accuracies(model, contrastive)[1] - group_accuracies(model, supervised)[1],
    )


@pytest.mark.parametrize("prompt", PROMPTS)
def test_condition_is_that_of_the_directions_themselves(prompt):
    """On 300 models and ratios: the sign of r^2 - r_c^2 is the sign of the difference in accuracy."""
    sides = []
    compute = jax.jit(lambda model: _compare(model, prompt))
    for index, model in enumerate(random_models(300)):
        model = dataclasses.replace(model, spurious_ratio=0.51 + 0.49 * (index / 300))
        excess, less_reliance, gain = (float(value) for value in compute(model))
        assert (less_reliance > 0) == (excess > 0)
        if abs(gain) > 1e-12:  # both may be 0 or 1 to rounding
            assert (gain > 0) == (excess > 0)
        sides.append(excess > 0)
    assert 30 < sum(sides) < 270  # both sides were tested


@pytest.mark.parametrize("prompt", PROMPTS)
def test_at_the_critical_ratio_both_learners_decide_alike(prompt):
    found = 0
    for model in random_models(60, seed=1):
        squared = float(critical_squared_agreement(model, prompt))
        if not 0.01 < squared < 0.99:
            continue
        found += 1
        critical = dataclasses.replace(model, spurious_ratio=(1 + np.sqrt(squared)) / 2)
        contrastive = spurious_reliance(zero_shot_direction(critical, prompt))
        np.testing.assert_allclose(contrastive, spurious_reliance(least_squares_direction(critical)), rtol=1e-10)
    assert found >= 5


def test_reliance_lowers_conflicting_accuracy():
    reliances = jnp.linspace(0.0, 8.0, 200)
    directions = jnp.stack([jnp.ones(200), reliances], axis=1)
    conflicting = jax.vmap(lambda direction: group_accuracies(UNROUND, direction)[1])(directions)
    assert np.all(np.diff(conflicting) < 0)


@pytest.mark.parametrize(("prompt", "sigma_inv"), [("label", 0.7), ("class-mean", 1.1)])
def test_simulation_flips_at_the_critical_ratio(prompt, sigma_inv):
    """Learners fitted to samples, on either side of the boundary; a wrong boundary would have them all on one side."""
    model = dataclasses.replace(UNROUND, mu_spu=1.5, sigma_inv=sigma_inv, sigma_spu=0.5, sigma_xi=0.8)
    critical = (1 + np.sqrt(float(critical_squared_agreement(model, prompt)))) / 2

    def difference(key, ratio):
        """Reliance of least squares minus that of the contrastive rule, both fitted to one sample."""
        at_ratio = dataclasses.replace(model, spurious_ratio=ratio)
        bases_key, batch_key = jax.random.split(key)
        bases = sample_bases(bases_key, model.image_dim, model.text_dim)
        batch = sample_batch(batch_key, at_ratio, bases, 10_000)
        prompt_text = bases.text @ latent_prompt(at_ratio, prompt)
        contrastive = batch.images.T @ (batch.texts @ prompt_text)
        supervised = jnp.linalg.solve(batch.images.T @ batch.images, batch.images.T @ batch.labels)
        reliances = [spurious_reliance(bases.image.T @ rule) for rule in (supervised, contrastive)]
        return reliances[0] - reliances[1]

    keys = jax.random.split(seeds.key(9), 40)
    for ratio, sign in ((critical - 0.06, -1), (critical + 0.06, 1)):
        draws = jax.jit(jax.vmap(lambda key, ratio=ratio: difference(key, ratio)))(keys)
        assert sign * z_scores(draws, 0.0) > CRITICAL


def test_image_noise_moves_the_boundary_of_the_label_prompt_alone():
    noiseless = dataclasses.replace(UNROUND, sigma_xi=0.0)
    moved = {
        prompt: abs(float(critical_squared_agreement(UNROUND, prompt) - critical_squared_agreement(noiseless, prompt)))
        for prompt in PROMPTS
    }
    assert moved["label"] > 0.05 and moved["class-mean"] < 1e-12  # rounding of numbers of order 1


@pytest.mark.parametrize("prompt", PROMPTS)
def test_in_the_limit_of_theorem_62_contrastive_is_the_more_robust(prompt):
    """Always aligned and sigma_inv > sigma_spu, as the theorem assumes, at 100 otherwise random models."""
    tested = 0
    for model in random_models(200, seed=2):
        if model.sigma_inv <= model.sigma_spu:
            continue
        model = dataclasses.replace(model, spurious_ratio=1.0)
        contrastive = spurious_reliance(zero_shot_direction(model, prompt))
        assert contrastive < spurious_reliance(least_squares_direction(model))
        tested += 1
    assert tested > 80


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


@pytest.mark.parametrize("caption", OTHER_CAPTIONS, ids=lambda caption: caption.kind)
@pytest.mark.parametrize("prompt", ["label", "class-mean", "mixture:0.4"])
def test_condition_for_other_captions_and_mixtures(caption, prompt):
    share = {"label": 0.0, "class-mean": 1.0}.get(prompt, 0.4)

    @jax.jit
    def sides(model):
        contrastive = caption_covariance(model, caption) @ mixed_prompt(model, share, caption)
        return (
            model.agreement**2 - critical_squared_agreement(model, prompt, caption),
            spurious_reliance(least_squares_direction(model)) - spurious_reliance(contrastive),
        )

    seen = []
    for index, model in enumerate(random_models(120, seed=3)):
        excess, less_reliance = sides(dataclasses.replace(model, spurious_ratio=0.51 + 0.49 * (index / 120)))
        assert (less_reliance > 0) == (excess > 0)
        seen.append(bool(excess > 0))
    assert 10 < sum(seen) < 110  # both sides were tested


against_logistic = jax.jit(critical_ratio_against_logistic, static_argnums=(1, 2))


def excess_over_logistic(model, prompt):
    """Reliance of the linearised learner less that of logistic regression."""
    return linearised_reliance(model, prompt) - spurious_reliance(logistic_direction(model))


def fitted_logistic(images, labels):
    """Logistic regression on a sample, by Newton's method from 0: eight steps are more than it needs at these sizes."""

    def step(_, weights):
        chance = jax.nn.sigmoid(-labels * (images @ weights))
        curvature = (images * (chance * (1 - chance))[:, None]).T @ images
        return weights + jnp.linalg.solve(curvature, images.T @ (labels * chance))

    return jax.lax.fori_loop(0, 8, step, jnp.zeros(images.shape[1]))


@pytest.mark.parametrize(("prompt", "critical"), [("label", 0.8164), ("class-mean", 0.9698)])
def test_fitted_learners_cross_at_the_critical_ratio_against_logistic_regression(prompt, critical):
    """At the defaults, whose ratios the page prints: 0.03 below and above, and not at least squares' ratio."""
    model = dataclasses.replace(SpuriousModel(), image_dim=5, text_dim=7, sigma_xi=np.sqrt(5 / 16))  # defaults' noise
    found = float(against_logistic(model, prompt))
    np.testing.assert_allclose(found, against_logistic(SpuriousModel(), prompt), rtol=1e-9)
    assert abs(found - critical) < 5e-5  # as printed
    of_least_squares = (1 + np.sqrt(float(critical_squared_agreement(model, prompt)))) / 2

    def difference(key, ratio):
        at_ratio = dataclasses.replace(model, spurious_ratio=ratio)
        bases_key, batch_key = jax.random.split(key)
        bases = sample_bases(bases_key, model.image_dim, model.text_dim)
        batch = sample_batch(batch_key, at_ratio, bases, 20_000)
        contrastive = batch.images.T @ (batch.texts @ (bases.text @ latent_prompt(at_ratio, prompt)))
        supervised = fitted_logistic(batch.images, batch.labels)
        reliances = [spurious_reliance(bases.image.T @ rule) for rule in (supervised, contrastive)]
        return reliances[0] - reliances[1]

    compare = jax.jit(lambda keys, ratio: jax.lax.map(lambda key: difference(key, ratio), keys))
    keys = jax.random.split(seeds.key(10), 40)
    # At least squares' ratio logistic regression is the more robust: that boundary is rejected.
    for ratio, sign in ((found - 0.03, -1), (found + 0.02, 1), (of_least_squares, -1)):
        assert sign * z_scores(compare(keys, ratio), 0.0) > CRITICAL


@pytest.mark.parametrize("prompt", PROMPTS)
def test_against_logistic_regression_there_is_one_crossing_where_there_is_one_against_least_squares(prompt):
    """60 models at 30 ratios: as many changes of sign as the function says, at its ratio; it lies above the other."""
    ratios = jnp.linspace(0.505, 0.9995, 30)
    signs = jax.jit(
        lambda model: jax.lax.map(
            lambda ratio: excess_over_logistic(dataclasses.replace(model, spurious_ratio=ratio), prompt), ratios
        )
    )
    crossed = 0
    for model in random_models(60, seed=4):
        excess = np.asarray(signs(model))
        found = float(against_logistic(model, prompt))
        squared = float(critical_squared_agreement(model, prompt))
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
    bases, batch = draw(UNROUND, 400_000, seed=11)
    direction = logistic_direction(UNROUND)
    margins = batch.labels * (batch.images @ bases.image @ direction)
    weights = np.asarray(jax.nn.sigmoid(-margins))
    agreements = np.asarray(batch.labels * batch.attributes)
    (mu_inv, mu_spu), (v_inv, v_spu) = np.asarray(UNROUND.latent_mean), np.asarray(UNROUND.image_variance)
    by_hand = float(spurious_reliance(direction)) * mu_inv * v_spu / (mu_spu * v_inv)
    r = float(UNROUND.agreement)
    # E[weight (y a - r~)] = 0 is the definition, free of the normalisation.
    assert abs(z_scores(weights * (agreements - by_hand), 0.0)) < CRITICAL
    for wrong in (r, r * v_spu / ((1 - r**2) * mu_spu**2 + v_spu)):
        assert abs(z_scores(weights * (agreements - wrong), 0.0)) > CRITICAL


def test_supervised_rules_agree_at_both_ends_and_logistic_regression_leans_less_in_between():
    for model in random_models(20, seed=5):
        for ratio, tolerance in ((0.5 + 1e-6, 1e-5), (1.0, 1e-9)):  # the next term near 1/2 is of order r^2
            at_end = dataclasses.replace(model, spurious_ratio=ratio)
            reliances = [float(spurious_reliance(of(at_end))) for of in (logistic_direction, least_squares_direction)]
            np.testing.assert_allclose(reliances[0], reliances[1], rtol=tolerance)
        between = dataclasses.replace(model, spurious_ratio=0.8)
        reliances = [float(spurious_reliance(of(between))) for of in (logistic_direction, least_squares_direction)]
        assert reliances[0] < reliances[1] * (1 - 1e-6)


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
