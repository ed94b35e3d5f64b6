"""S14: the best bilinear critic of InfoNCE, in each direction and in their sum."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import logsumexp

from tests import seeds
from tests.conftest import ROOT
from tests.theorems.monte_carlo import CRITICAL, UNROUND, draw_in_plane, z_scores
from theory import (
    CAPTIONS,
    Caption,
    SpuriousModel,
    caption_covariance,
    group_accuracies,
    infonce_critic,
    latent_prompt,
    least_squares_direction,
    logistic_direction,
    spurious_reliance,
)
from theory.mixtures import pairs_of
from theory.statements.infonce import infonce_objective, logistic_offset

pytestmark = pytest.mark.statement("S14")

CAPTION_SET = [Caption("latent", 0.9, 0.6), Caption("label"), Caption("label-attribute", 0.8, 0.5)]
PLACE = jnp.array([[0.5, -0.2], [0.1, 0.4]])
objective = jax.jit(infonce_objective, static_argnums=3)


def components(model, caption):
    """Weights, means and variances of image and caption, group by group and mention by mention, in plain loops."""
    rows = []
    for y in (1, -1):
        for a in (1, -1):
            prior = model.class_prior if y == 1 else 1 - model.class_prior
            group = prior * (model.spurious_ratio if a == y else 1 - model.spurious_ratio)
            for mask in np.ndindex(2, 2):
                chance = np.where(np.array(mask) == 1, caption.mentions, 1 - np.asarray(caption.mentions))
                means = np.array([y, a]) * np.array(mask)
                variances = np.zeros(2)
                if caption.kind == "latent":
                    means = means * np.asarray(model.latent_mean)
                    variances = np.array(mask) * np.asarray(model.latent_sigma) ** 2 + model.text_noise_variance
                image_mean = np.array([y, a]) * np.asarray(model.latent_mean)
                rows.append((group * np.prod(chance), image_mean, means, variances))
    return rows


def brute_force(model, caption, critic, image_to_text):
    """The loss by Gauss-Hermite quadrature with 60 nodes an axis and plain sums; no code shared with theory/."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    grid = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=2).reshape(-1, 2)
    grid_weights = np.outer(weights, weights).ravel() / (2 * np.pi)
    rows, critic = components(model, caption), np.asarray(critic)
    image_variance = np.asarray(model.latent_sigma) ** 2 + model.image_noise_variance

    def log_mgf(points, parts):
        return np.log(sum(w * np.exp(points @ m + 0.5 * points**2 @ v) for w, m, v in parts))

    captions = [(w, mean, variance) for w, _, mean, variance in rows]
    images = [(w, mean, image_variance) for w, mean, _, _ in rows]
    value = -np.sum(critic * np.asarray(caption_covariance(model, caption)))  # classes are equally frequent here
    for outer, inner, matrix, share in ((images, captions, critic, image_to_text), (captions, images, critic.T, None)):
        share = 1 - image_to_text if share is None else share
        for w, m, v in outer:
            value += share * w * (grid_weights @ log_mgf((m + np.sqrt(v) * grid) @ matrix, inner))
    return value


@pytest.mark.parametrize("caption", CAPTION_SET, ids=CAPTIONS)
def test_objective_against_another_quadrature(caption):
    for image_to_text in (1.0, 0.3):
        local = objective(pairs_of(UNROUND, caption), image_to_text, PLACE)
        # Gauss-Hermite with 60 nodes is good to nine digits for functions this smooth.
        np.testing.assert_allclose(local.value, brute_force(UNROUND, caption, PLACE, image_to_text), atol=1e-8)


@jax.jit
def derivatives(pairs):
    """Those that the objective gives, at 17 nodes, and those of its value."""
    value = lambda entries: infonce_objective(pairs, 0.3, entries.reshape(2, 2), 17).value  # noqa: E731
    local = infonce_objective(pairs, 0.3, PLACE, 17)
    gradient, hessian = jax.grad(value)(PLACE.reshape(4)), jax.jacfwd(jax.grad(value))(PLACE.reshape(4))
    return local.gradient, local.hessian - pairs.flat, gradient, hessian


@pytest.mark.parametrize("caption", CAPTION_SET, ids=CAPTIONS)
def test_derivatives_are_those_of_the_value(caption):
    """Of the quadrature's own value, so that few nodes are as good as many."""
    own_gradient, own_hessian, gradient, hessian = derivatives(pairs_of(UNROUND, caption))
    np.testing.assert_allclose(own_gradient, gradient, atol=1e-12)
    np.testing.assert_allclose(own_hessian, hessian, atol=1e-10)


SMALL, LARGE, BATCHES = 128, 256, 250
# Nodes of the quadrature on each axis: enough for six digits, of which samples tell two.
FEW = 49


def batch_gradient(critic, images, texts, image_to_text):
    """InfoNCE's gradient in the critic on one batch, by the softmax of its own similarities, in plain NumPy."""
    raised = np.exp(images @ critic @ texts.T)  # small enough scores for plain exponentials
    caption_mean = raised @ texts / raised.sum(axis=1)[:, None]
    image_mean = raised.T @ images / raised.sum(axis=0)[:, None]
    gradient = image_to_text * images.T @ caption_mean + (1 - image_to_text) * image_mean.T @ texts
    return (gradient - images.T @ texts) / len(images)


def batch_gradients(model, caption, image_to_text, seed, dims=(2, 2), count=BATCHES):
    """A function from a critic to its gradients on batches, (count, rows, columns), extrapolated over their size.

    The bias of a batch falls as one over its size. Single precision is far more exact than so many batches.

    Args:
        model, caption: what is sampled.
        image_to_text: the direction's weight.
        seed: of the batches.
        dims: rows and columns of the critic; the first two are the signal's plane.
        count: how many batches.
    """
    batches = []
    for place, size in enumerate((SMALL, LARGE)):
        sample = draw_in_plane(model, count * size, caption, seed + place, dims=dims).batches(count)
        batches.append([part.astype(np.float32) for part in sample[:2]])

    def gradients(critic):
        critic = np.asarray(critic, np.float32)
        small, large = (
            np.stack([batch_gradient(critic, *pairs, image_to_text) for pairs in zip(*each, strict=True)])
            for each in batches
        )
        return 2 * large - small

    return gradients


@pytest.mark.parametrize(
    ("caption", "image_to_text"),
    [(CAPTION_SET[0], 0.5), (CAPTION_SET[0], 1.0), (CAPTION_SET[1], 0.0), (CAPTION_SET[2], 0.5)],
    ids=["latent", "latent-image-to-text", "label-text-to-image", "label-attribute"],
)
def test_batches_have_no_gradient_at_the_optimum(caption, image_to_text):
    """Extrapolated from batches of two sizes."""
    model = dataclasses.replace(UNROUND, sigma_xi=0.8)
    critic = infonce_critic(model, caption, image_to_text, FEW)
    # Without the noise the optimum for captions that name the class alone is closest to the right one.
    count = 4 * BATCHES if caption.kind == "label" else BATCHES
    gradients = batch_gradients(model, caption, image_to_text, seed=91, count=count)
    used = np.asarray(pairs_of(model, caption).flat).diagonal().reshape(2, 2) == 0
    assert np.all(np.abs(z_scores(gradients(critic)[:, used], 0.0)) < CRITICAL)
    noiseless = infonce_critic(dataclasses.replace(model, sigma_xi=0.0), caption, image_to_text, FEW)
    whitened = second_order(model, caption)
    for wrong in (critic * 1.3, noiseless, whitened):
        assert np.any(np.abs(z_scores(gradients(wrong)[:, used], 0.0)) > CRITICAL)


def second_order(model, caption):
    """The minimiser of the loss's expansion to second order, Sigma_u^(-1) K Sigma_t^(+)."""
    rows = components(model, caption)
    image = np.diag(np.asarray(model.latent_sigma) ** 2 + model.image_noise_variance)
    image = image + sum(w * np.outer(m, m) for w, m, _, _ in rows)
    text = sum(w * (np.outer(m, m) + np.diag(v)) for w, _, m, v in rows)
    return jnp.asarray(np.linalg.inv(image) @ np.asarray(caption_covariance(model, caption)) @ np.linalg.pinv(text))


def test_weak_signals_are_whitened():
    """As the signal shrinks tenfold, the critic comes a hundred times closer to the second-order one."""
    distances = []
    for scale in (0.1, 0.01):
        noisy = dataclasses.replace(UNROUND, sigma_xi=1.0, image_dim=2)
        model = dataclasses.replace(
            noisy,
            mu_inv=scale * 0.9,
            mu_spu=scale * 1.37,
            sigma_inv=scale * 1.21,
            sigma_spu=scale * 0.64,
        )
        whitened = second_order(model, Caption("label-attribute"))
        critic = infonce_critic(model, Caption("label-attribute"))
        distances.append(np.linalg.norm(critic - whitened) / np.linalg.norm(whitened))
    assert distances[0] < 0.05
    np.testing.assert_allclose(distances[0] / distances[1], 100.0, rtol=0.2)  # the next order is quadratic in the scale


def test_image_to_text_with_label_captions_is_logistic_regression():
    critic = infonce_critic(UNROUND, Caption("label"), 1.0)
    np.testing.assert_allclose(critic[:, 0], logistic_direction(UNROUND) / 2, rtol=1e-7)
    other = infonce_critic(UNROUND, Caption("label"), 0.0)[:, 0]
    assert abs(other[1] / other[0] - critic[1, 0] / critic[0, 0]) > 0.1  # the other direction is another learner


def logistic_with_offset(model, offset):
    """Half the weights of logistic regression with a fixed offset, or with a fitted one (None), by SciPy."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(200)
    weights = weights / weights.sum()
    deviation = np.sqrt(np.asarray(model.image_variance))

    def risk(place):
        shift, value = place[2] if offset is None else offset, 0.0
        for y, prior in ((1, model.class_prior), (-1, 1 - model.class_prior)):
            for sign, share in ((1, model.spurious_ratio), (-1, 1 - model.spurious_ratio)):
                margin = place[:2] @ (np.asarray(model.latent_mean) * [1, sign]) + y * shift
                margin = margin + np.linalg.norm(place[:2] * deviation) * nodes
                value += prior * share * (weights @ np.logaddexp(0, -margin))
        return value

    start = [0.2, 0.2, 0.0][: 3 if offset is None else 2]
    return minimize(risk, start, method="BFGS", options={"gtol": 1e-9}).x[:2] / 2


def test_image_to_text_with_unequal_classes_is_logistic_regression_with_the_offset():
    """At a prior of .2; without the offset (S6), with its sign turned, or fitted, it is another learner."""
    rare = dataclasses.replace(UNROUND, class_prior=0.2)
    critic = np.asarray(infonce_critic(rare, Caption("label"), 1.0)[:, 0])
    offset = float(logistic_offset(rare))
    np.testing.assert_allclose(logistic_with_offset(rare, offset), critic, rtol=1e-6)
    for wrong in (np.asarray(logistic_direction(rare)) / 2, *(logistic_with_offset(rare, o) for o in (-offset, None))):
        assert np.max(np.abs(wrong / critic - 1)) > 1e-3


def test_in_a_sample_the_offset_is_that_of_its_counts():
    """A batch with both captions in each denominator, as often as the sample has them."""
    rng = seeds.generator(8)
    labels = np.where(rng.random(400) < 0.2, 1.0, -1.0)
    images = labels[:, None] * np.array([0.6, 0.9]) + rng.normal(size=(400, 2))

    def batch_loss(w):
        scores = (images @ w)[:, None] * labels[None, :]
        return np.mean(logsumexp(scores, axis=1) - np.diagonal(scores))

    def regression(offset):
        return lambda v: np.mean(np.logaddexp(0, -labels * (images @ v + offset)))

    def best(function):
        return minimize(function, [0.1, 0.1], method="BFGS", options={"gtol": 1e-9}).x

    counts = np.sum(labels > 0), np.sum(labels < 0)
    critic = best(batch_loss)
    np.testing.assert_allclose(best(regression(np.log(counts[0] / counts[1]))) / 2, critic, rtol=1e-5)
    assert np.max(np.abs(best(regression(0.0)) / 2 / critic - 1)) > 1e-2


def test_close_to_least_squares_for_small_weights_only():
    """The class-mean prompt with latent captions: what the page prints of the defaults; weak signals agree."""
    page = " ".join((ROOT / "docs" / "theory" / "infonce.md").read_text().split())

    def reliances(model, critic, prompt):
        vector = latent_prompt(model, prompt)
        rules = (critic @ vector, second_order(model, Caption()) @ vector, least_squares_direction(model))
        return [float(spurious_reliance(rule)) for rule in rules]

    model = SpuriousModel()
    critic = infonce_critic(model, Caption())
    defaults, (label, label_second, _) = (reliances(model, critic, prompt) for prompt in ("class-mean", "label"))
    assert "reliance is {:.2f} (to second order {:.2f}, least squares {:.2f})".format(*defaults) in page
    assert f"prompt's {label:.2f} (to second order {label_second:.2f})" in page
    sizes = {"mu_inv": 0.9, "mu_spu": 1.37, "sigma_inv": 1.21, "sigma_spu": 0.64}
    weak = dataclasses.replace(
        UNROUND, sigma_xi=1.0, image_dim=2, **{name: 0.05 * size for name, size in sizes.items()}
    )
    exact, second, _ = reliances(weak, infonce_critic(weak, Caption()), "class-mean")
    assert exact == pytest.approx(second, rel=0.01) and abs(defaults[0] / defaults[1] - 1) > 0.4


def test_the_offset_matters_as_little_as_the_page_prints():
    page = " ".join((ROOT / "docs" / "theory" / "infonce.md").read_text().split())
    rare = SpuriousModel(class_prior=0.2)
    ours = infonce_critic(rare, Caption("label"), 1.0)[:, 0]
    found = [float(spurious_reliance(rule)) for rule in (ours, logistic_direction(rare))]
    right = [100 * float(group_accuracies(rare, rule)[1]) for rule in (ours, logistic_direction(rare))]
    assert "reliance is {:.3f}, S6's (the same for every prior) {:.3f}".format(*found) in page
    assert "{:.1f}% against {:.1f}%".format(*right) in page


def test_text_to_image_matches_the_mean_of_the_tilted_images():
    """Label captions: images drawn by the critic for a caption have the mean of the images that carry it."""
    weights = np.asarray(infonce_critic(UNROUND, Caption("label"), 0.0)[:, 0])
    rng = seeds.generator(4)
    size = 400_000
    labels = rng.choice([-1, 1], size)
    attributes = labels * rng.choice([1, -1], size, p=[UNROUND.spurious_ratio, 1 - UNROUND.spurious_ratio])
    images = np.stack([labels, attributes], axis=1) * np.asarray(UNROUND.latent_mean)
    images = images + rng.normal(size=(size, 2)) * np.sqrt(np.asarray(UNROUND.image_variance))
    tilt = np.exp(images @ weights)
    target = np.asarray(UNROUND.latent_mean) * np.array([1.0, UNROUND.agreement])
    # E[tilt (u - target)] = 0 is the condition, free of the normalisation.
    assert np.all(np.abs(z_scores(tilt[:, None] * (images - target), 0.0)) < CRITICAL)
    logistic = np.exp(images @ np.asarray(logistic_direction(UNROUND)) / 2)
    assert np.any(np.abs(z_scores(logistic[:, None] * (images - target), 0.0)) > CRITICAL)


def test_where_no_optimum_exists_it_is_infinite():
    exact = dataclasses.replace(UNROUND, sigma_inv=0.0, sigma_xi=0.0)
    assert np.isinf(infonce_critic(exact, Caption("label"), 1.0)).any()


def test_too_coarse_a_quadrature_says_so():
    sharp = dataclasses.replace(UNROUND, sigma_spu=0.2, sigma_xi=0.1)
    assert np.isnan(infonce_critic(sharp, Caption(), 0.5, 17)).all()
    assert np.isfinite(infonce_critic(sharp, Caption(), 0.5, 97)).all()


@pytest.mark.slow  # tests/theory/test_accuracy.py does the same by default
def test_vmaps_and_differentiates():
    function = jax.jit(
        lambda ratio: infonce_critic(dataclasses.replace(UNROUND, spurious_ratio=ratio), Caption("label"), 0.5, 33)[
            :, 0
        ]
    )
    ratios = jnp.array([0.6, 0.9])
    np.testing.assert_allclose(
        jax.jit(jax.vmap(function))(ratios), [function(float(ratio)) for ratio in ratios], rtol=1e-8
    )
    step = 1e-4
    difference = (function(0.8 + step) - function(0.8 - step)) / (2 * step)
    np.testing.assert_allclose(
        jax.jit(jax.jacrev(function))(0.8), difference, rtol=1e-5
    )  # central differences err by step^2


@pytest.mark.parametrize("caption", [CAPTION_SET[0], CAPTION_SET[2]], ids=["latent", "label-attribute"])
def test_batches_have_no_gradient_at_the_optimum_in_all_of_g(caption):
    """Also outside the signal's plane, where images and latent captions are noise.

    Power: a critic with parts outside the plane, of either side and of both, is rejected by each of these entries.
    """
    model = dataclasses.replace(UNROUND, sigma_xi=1.2)
    shape = (model.image_dim, model.text_dim)
    optimum = jnp.zeros(shape).at[:2, :2].set(infonce_critic(model, caption, count=FEW))
    outside = np.ones(shape, bool)
    outside[:2, :2] = False
    if caption.kind != "latent":
        outside[:, 2:] = False  # words are exact: nothing there to learn from
    gradients = batch_gradients(model, caption, 0.5, seed=95, dims=shape)

    def scores(critic):
        with np.errstate(invalid="ignore"):  # 0 / 0 where an exact word is 0 in every batch
            return np.abs(z_scores(gradients(critic), 0.0))

    found = scores(optimum)
    assert np.all(found[outside] < CRITICAL) and np.all(found[:2, :2] < CRITICAL)
    parts = [(2, 0), (3, 1)] if caption.kind != "latent" else [(2, 0), (1, 3), (4, 5)]
    found = scores(optimum.at[tuple(zip(*parts, strict=True))].set(0.4))
    for part in parts:
        assert found[part] > CRITICAL
