"""S22: the law of bilinear critics fitted to n pairs, and the coverage of the intervals that follow from it."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chi2, norm

from sims.theorems.critics import fit_infonce, fit_siglip
from tests.theorems.monte_carlo import CRITICAL, UNROUND, draw_in_plane, z_scores
from theory import (
    Caption,
    contrastive_critic,
    group_accuracies,
    latent_prompt,
    least_squares_direction,
    logistic_direction,
    spurious_reliance,
)
from theory.mixtures import pairs_of
from theory.names import DIRECTIONS
from theory.statements.finite_samples import (
    accuracy_deviation,
    critic_covariance,
    direction_covariance,
    reliance_deviation,
    rule_covariance,
)
from theory.statements.infonce import NODES, infonce_objective
from theory.statements.rate import mean_square_error
from theory.statements.siglip import siglip_loss
from workbench.compilation import jit

pytestmark = pytest.mark.statement("S22")

# Less spread than UNROUND's, where ten of 20,000 pairs carry most of the variance and n would have to be far larger.
MODEL = dataclasses.replace(UNROUND, sigma_inv=0.6, sigma_spu=0.45)
LATENT, ATTRIBUTE = Caption(), Caption("label-attribute")
SIZE, RUNS = 300, 600
# A loss of rows and columns, and one of all pairs at once, with captions that are words.
CASES = {"infonce_bilinear": LATENT, "siglip": ATTRIBUTE}
NAMES = ["infonce_bilinear", pytest.param("siglip", marks=pytest.mark.slow)]


def fitted(fit, caption, seed):
    """Critics fitted to samples of `SIZE` pairs, shape (RUNS, 2, 2)."""

    sample = draw_in_plane(MODEL, RUNS * SIZE, caption, seed).batches(RUNS)
    fit_all = jit(lambda pairs: jax.lax.map(lambda pair: fit(*pair), pairs), long=True)
    with jax.enable_x64(False):  # five digits are far more than the samples tell
        return np.asarray(fit_all((jnp.asarray(sample.images), jnp.asarray(sample.texts))), float)


@pytest.fixture(scope="module")
def critics():
    """Name of the loss to fitted critics."""

    @functools.cache
    def of(name):
        fit = fit_siglip if name == "siglip" else functools.partial(fit_infonce, image_to_text=DIRECTIONS[name])
        return fitted(fit, CASES[name], 221 + list(CASES).index(name))

    return of


# Few pairs carry much of a variance, so that it is the mean of many sums.
SUMS, PAIRS = 100, 1000


@functools.cache
def sandwiches(name):
    """The covariance of the rows alone, with the rest of a batch taken as fixed, and of the whole score.

    By plain sums over pairs at the limit; the Hessian is the population's.
    """
    caption = CASES[name]
    sample = draw_in_plane(MODEL, SUMS * PAIRS, caption, 225).batches(SUMS)
    images, texts = (part.astype(np.float32) for part in sample[:2])  # far more exact than so many pairs
    critic, pairs = contrastive_critic(name, MODEL, caption), pairs_of(MODEL, caption)
    if name == "siglip":
        hessian = jax.hessian(lambda entries: siglip_loss(pairs, entries.reshape(2, 2)))(critic.reshape(4)) + pairs.flat
    else:
        objective = jax.jit(infonce_objective, static_argnums=(3, 4))
        hessian = objective(pairs, DIRECTIONS[name], critic, NODES, caption.kind != "latent").hessian
    inverse = np.linalg.inv(hessian)
    scores = [scores_of(name, np.asarray(critic, np.float32), *of_sum) for of_sum in zip(images, texts, strict=True)]
    covariances = [[np.cov(each.reshape(-1, 4).T) for each in of_sum] for of_sum in scores]
    return inverse @ np.mean(covariances, axis=0) @ inverse


def scores_of(name, critic, images, texts):
    """Of each pair of a batch, shape (pairs, 2, 2): its row's alone, and the whole."""
    raised = np.exp(images @ critic @ texts.T)
    matched = images[:, :, None] * texts[:, None, :]
    if name == "siglip":
        weights, joint = raised / raised.mean(), matched.mean(axis=0)
        by_image = images[:, :, None] * (weights @ texts / PAIRS)[:, None, :]
        by_text = (weights.T @ images / PAIRS)[:, :, None] * texts[:, None, :]
        rows = -matched  # true pairs alone: what independent pairs weigh is taken as known
        whole = rows + by_image - joint * weights.mean(axis=1)[:, None, None]
        return rows, whole + by_text - joint * weights.mean(axis=0)[:, None, None]
    share = DIRECTIONS[name]
    # Each image's mean caption under the softmax of its row, and each caption's mean image.
    of_rows, of_columns = raised.sum(axis=1)[:, None], raised.sum(axis=0)[:, None]
    caption_mean, image_mean = raised @ texts / of_rows, raised.T @ images / of_columns
    by_image, by_text = images[:, :, None] * caption_mean[:, None, :], image_mean[:, :, None] * texts[:, None, :]
    rows = share * by_image + (1 - share) * by_text - matched
    # What a caption adds to the rows of others, and an image to the columns.
    added = (raised.T @ (images / of_rows))[:, :, None] * texts[:, None, :]
    added = added - (raised.T @ (by_image.reshape(-1, 4) / of_rows)).reshape(-1, 2, 2)
    pushed = images[:, :, None] * (raised @ (texts / of_columns))[:, None, :]
    pushed = pushed - (raised @ (by_text.reshape(-1, 4) / of_columns)).reshape(-1, 2, 2)
    return rows, rows + share * added + (1 - share) * pushed


@functools.cache
def closed_form(name):
    return np.asarray(critic_covariance(MODEL, CASES[name], name))


def test_covariance_is_that_of_the_whole_score_and_not_of_the_rows():
    name = "infonce_bilinear"
    rows, whole = sandwiches(name)
    size = np.abs(closed_form(name)).max()
    # Sums over 1,000 pairs are off by a seventh, as 1 / n (a tenth with 2,000); 0.10 to 0.18 with 12 other seeds.
    assert np.abs(whole - closed_form(name)).max() < 0.25 * size
    assert np.abs(rows - closed_form(name)).max() > 0.3 * size


@pytest.mark.parametrize("name", NAMES)
def test_fitted_critics_scatter_as_stated(name, critics):
    """n times the mean square of each entry's distance from the limit; the rows' sandwich is rejected."""
    limit = np.asarray(contrastive_critic(name, MODEL, CASES[name]))
    squares = SIZE * ((critics(name) - limit) ** 2).reshape(RUNS, 4)

    def furthest(covariance):
        return np.max(np.abs(z_scores(squares, np.diag(covariance))))

    assert furthest(closed_form(name)) < CRITICAL
    assert furthest(sandwiches(name)[0]) > CRITICAL


LEVEL = 0.95


def coverage(critics, covariance):
    """Share of runs whose 95% regions hold the limit: of all entries; of accuracies and reliance, by prompt."""
    name = "infonce_bilinear"
    caption, half = CASES[name], norm.isf((1 - LEVEL) / 2) / np.sqrt(SIZE)
    limit = contrastive_critic(name, MODEL, caption)
    off = (critics - np.asarray(limit)).reshape(RUNS, 4)
    distances = SIZE * np.einsum("ni,ij,nj->n", off, np.linalg.inv(covariance), off)
    shares = [np.mean(distances < chi2.ppf(LEVEL, 4))]
    for prompt in ("label", "class-mean"):
        q = latent_prompt(MODEL, prompt, caption)

        def inside(critic, q=q):
            rule, of_rule = critic @ q, rule_covariance(jnp.asarray(covariance), q)
            reliance = jnp.abs(spurious_reliance(rule) - spurious_reliance(limit @ q))
            accuracy = jnp.abs(group_accuracies(MODEL, rule) - group_accuracies(MODEL, limit @ q))[:2]
            widths = half * accuracy_deviation(MODEL, rule, of_rule)[:2]
            return jnp.append(accuracy < widths, reliance < half * reliance_deviation(rule, of_rule))

        shares.extend(np.mean(jax.jit(jax.vmap(inside))(jnp.asarray(critics)), axis=0))
    return np.array(shares)


def test_intervals_cover_as_often_as_they_say(critics):
    """Slopes at the fitted critic, as somebody with one sample has them; the rows' sandwich covers too seldom."""
    name, error = "infonce_bilinear", np.sqrt(LEVEL * (1 - LEVEL) / RUNS)
    right, wrong = (coverage(critics(name), each) for each in (closed_form(name), sandwiches(name)[0]))
    # Beside the error of the runs, a point for what a sample of 300 lacks of a normal law.
    assert np.all(np.abs(right - LEVEL) < CRITICAL * error + 0.01), right
    assert np.all(wrong < right), (right, wrong)
    assert np.any(LEVEL - wrong > CRITICAL * error + 0.01), wrong


def test_the_linearised_loss_has_the_constant_of_s9():
    """Where there is nothing but the signal's plane; with other noise it is another."""
    model = dataclasses.replace(MODEL, image_dim=2, text_dim=2)
    total = np.trace(critic_covariance(model, LATENT, "linearized"))
    many = 1e9
    np.testing.assert_allclose(total, many * mean_square_error(model, many), rtol=1e-7)


@pytest.mark.slow
def test_image_to_text_on_label_captions_scatters_as_logistic_regression():
    """It is logistic regression in each sample, with an offset that is fitted and has no say for equal classes."""
    found = critic_covariance(MODEL, Caption("label"), "infonce_image_to_text")
    rule = rule_covariance(found, jnp.array([1.0, 0.0]))
    np.testing.assert_allclose(4 * rule, direction_covariance(MODEL, "logistic"), rtol=1e-6)
    # The other half has the same score's mean and another law.
    assert np.abs(4 * critic_covariance(MODEL, Caption("label"), "infonce_text_to_image") - 4 * found).max() > 0.1


@pytest.mark.parametrize("learner", ["least_squares", "logistic"])
def test_supervised_rules_scatter_as_the_sandwich_of_their_score(learner):
    """By Newton's steps on 400 samples; the other learner's law is rejected."""
    size, runs = 600, 400
    sample = draw_in_plane(MODEL, size * runs, LATENT, 227).batches(runs)
    turned = sample.images * sample.labels[:, :, None]
    rules = np.zeros((runs, 2))
    for _ in range(1 if learner == "least_squares" else 12):
        margins = np.einsum("rni,ri->rn", turned, rules)
        slope, bend = (1 - margins, np.ones_like(margins))
        if learner == "logistic":
            slope = 1 / (1 + np.exp(margins))
            bend = slope * (1 - slope)
        hessian = np.einsum("rn,rni,rnj->rij", bend, turned, turned)
        rules = rules + np.linalg.solve(hessian, np.einsum("rn,rni->ri", slope, turned)[:, :, None])[:, :, 0]
    limit = least_squares_direction(MODEL) if learner == "least_squares" else logistic_direction(MODEL)
    scaled = size * (rules - np.asarray(limit)) ** 2
    assert np.all(np.abs(z_scores(scaled, np.diag(direction_covariance(MODEL, learner)))) < CRITICAL)
    (other,) = {"least_squares", "logistic"} - {learner}
    assert np.any(np.abs(z_scores(scaled, np.diag(direction_covariance(MODEL, other)))) > CRITICAL)


@pytest.mark.slow
def test_images_and_captions_have_the_same_part():
    """With noises of one size the two halves are each other's mirror image."""
    model = dataclasses.replace(MODEL, text_dim=MODEL.image_dim)
    one, other = (
        np.asarray(critic_covariance(model, LATENT, f"infonce_{way}", 49)) for way in ("image_to_text", "text_to_image")
    )
    turned = np.array([0, 2, 1, 3])
    np.testing.assert_allclose(one, other[np.ix_(turned, turned)], rtol=1e-7)
    assert np.abs(one - other).max() > 0.01  # without the turn it would fail


def test_refuses_other_names():
    with pytest.raises(ValueError, match="learner must be one of linearized"):
        critic_covariance(MODEL, LATENT, "supcon")
    with pytest.raises(ValueError, match="learner must be one of least_squares, logistic"):
        direction_covariance(MODEL, "bayes")


@pytest.mark.slow
def test_in_single_precision_mapped_and_differentiated():
    def variance(sigma_spu):
        model = dataclasses.replace(MODEL, sigma_spu=sigma_spu)
        return critic_covariance(model, ATTRIBUTE, "infonce_text_to_image", 33)[0, 0]

    step = 1e-4
    slope = (variance(0.5 + step) - variance(0.5 - step)) / (2 * step)
    np.testing.assert_allclose(jax.grad(variance)(0.5), slope, rtol=1e-5)
    with jax.enable_x64(False):
        single = jax.vmap(variance)(np.array([0.5, 0.6], np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, [variance(0.5), variance(0.6)], rtol=2e-3)
