"""S15: the best bilinear critic of the sigmoid loss in the limit of many negatives."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize, root

from tests import seeds
from tests.theorems.monte_carlo import CRITICAL, UNROUND, draw_in_plane, z_scores
from tests.theorems.test_s14_infonce import CAPTION_SET, components
from theory import CAPTIONS, Caption, SpuriousModel, infonce_critic, siglip_critic
from theory.mixtures import pairs_of
from theory.statements.siglip import moment_exponent, negatives_exponent, siglip_loss

pytestmark = pytest.mark.statement("S15")

loss_of, slope_of = jax.jit(siglip_loss), jax.jit(jax.grad(siglip_loss, 1))
PLACE = jnp.array([[0.25, -0.1], [0.05, 0.2]])


@pytest.mark.parametrize("caption", CAPTION_SET, ids=CAPTIONS)
def test_loss_against_quadrature(caption):
    """The inner expectation by the captions' generating function, the outer by Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    grid = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=2).reshape(-1, 2)
    grid_weights = np.outer(weights, weights).ravel() / (2 * np.pi)
    rows, critic = components(UNROUND, caption), np.asarray(PLACE)
    deviation = np.sqrt(np.asarray(UNROUND.latent_sigma) ** 2 + UNROUND.image_noise_variance)
    partition = 0.0
    for w, image_mean, _, _ in rows:
        points = (image_mean + deviation * grid) @ critic
        inner = sum(v * np.exp(points @ m + 0.5 * points**2 @ variance) for v, _, m, variance in rows)
        partition += w * (grid_weights @ inner)
    expected = np.log(partition) - np.sum(critic * np.asarray(pairs_of(UNROUND, caption).joint_moment))
    np.testing.assert_allclose(loss_of(pairs_of(UNROUND, caption), PLACE), expected, rtol=1e-8)


@pytest.mark.parametrize("caption", CAPTION_SET, ids=CAPTIONS)
def test_its_gradient_vanishes(caption):
    pairs, critic = pairs_of(UNROUND, caption), siglip_critic(UNROUND, caption)
    np.testing.assert_allclose(slope_of(pairs, critic), 0.0, atol=1e-12)


def test_independent_pairs_weighted_by_the_critic_have_the_moment_of_true_pairs():
    """The condition for the optimum, by simulation: E[e^s (u t'^T - E[u t^T])] = 0 over independent pairs."""
    caption = Caption("label-attribute", 0.8, 0.5)
    rng, size = seeds.generator(6), 600_000
    rows = components(UNROUND, caption)
    picks = [rng.choice(len(rows), size, p=[row[0] for row in rows]) for _ in range(2)]
    deviation = np.sqrt(np.asarray(UNROUND.image_variance))
    images = np.array([row[1] for row in rows])[picks[0]] + rng.normal(size=(size, 2)) * deviation
    texts = np.array([row[2] for row in rows])[picks[1]]
    joint = np.asarray(pairs_of(UNROUND, caption).joint_moment)

    def scores(critic):
        tilt = np.exp(np.einsum("ni,ij,nj->n", images, np.asarray(critic), texts))
        return z_scores(tilt[:, None, None] * (np.einsum("ni,nj->nij", images, texts) - joint), 0.0)

    critic = siglip_critic(UNROUND, caption)
    assert np.all(np.abs(scores(critic)) < CRITICAL)
    for wrong in (infonce_critic(UNROUND, caption), 1.2 * critic):
        assert np.any(np.abs(scores(wrong)) > CRITICAL)


def finite_negatives(model, negatives):
    """Optimal (w, b) for label captions and k negatives a positive, by SciPy on a one-dimensional quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(200)
    weights = weights / weights.sum()
    deviation = np.sqrt(np.asarray(model.image_variance))

    def loss(place):
        w, bias = place[:2], place[2]
        spread, value = np.linalg.norm(w * deviation), 0.0
        for sign, share in ((1, model.spurious_ratio), (-1, 1 - model.spurious_ratio)):
            margin = w @ (np.asarray(model.latent_mean) * [1, sign]) + spread * nodes
            positive = np.logaddexp(0, -margin - bias)
            negative = 0.5 * (np.logaddexp(0, margin + bias) + np.logaddexp(0, bias - margin))
            value += share * (weights @ (positive + negatives * negative))
        return value

    return minimize(loss, [0.2, 0.2, -np.log(negatives)], method="BFGS", options={"gtol": 1e-9}).x


def test_the_limit_of_many_negatives():
    """With captions of a few values the exact optimum for k negatives approaches the closed form as 1 / k."""
    assert negatives_exponent(UNROUND, Caption("label")) == 1.0
    limit = np.asarray(siglip_critic(UNROUND, Caption("label"))[:, 0])
    distances = [np.linalg.norm(finite_negatives(UNROUND, k)[:2] - limit) for k in (30, 300, 3000)]
    np.testing.assert_allclose(distances[0] / distances[1], 10.0, rtol=0.25)
    np.testing.assert_allclose(distances[1] / distances[2], 10.0, rtol=0.25)
    assert distances[2] < 1e-2 * np.linalg.norm(limit)


def correlated(correlation):
    """A model whose images and `latent` captions are one Gaussian pair: no means, and a background of noise alone."""
    noise = 1.0 / correlation - 1.0
    quiet = {"mu_spu": 0.0, "sigma_spu": 0.0, "mu_inv": 1e-6, "sigma_inv": 1.0}
    return SpuriousModel(sigma_xi=np.sqrt(2.0 * noise), image_dim=2, text_dim=2, **quiet)


def finite_negatives_of_gaussians(correlation, negatives, start):
    """The best b, s = b x y + bias, for k negatives and standard Gaussians x, y: the two conditions on a grid.

    In p = (x + y) / sqrt(2) and q = (x - y) / sqrt(2), which are independent, for true pairs and for others.
    """
    axis = np.arange(0.03, 18.0, 0.06)
    p, q = axis[:, None], axis[None, :]
    product = (p**2 - q**2) / 2
    cell = 4 * 0.06**2 / (2 * np.pi)
    independent = cell * np.exp(-(p**2 + q**2) / 2)
    paired = np.exp(-(p**2) / (1 + correlation) / 2 - q**2 / (1 - correlation) / 2)
    paired = cell * paired / np.sqrt(1 - correlation**2)

    def conditions(place):
        factor = np.exp(place[0] * product + place[1])
        kept = 1 / (1 + factor / negatives)
        difference = (independent * factor - paired) * kept
        return [difference.sum(), (product * difference).sum()]

    return root(conditions, [start, 0.5 * np.log(1 - start**2)], tol=1e-13).x[0]


@pytest.mark.parametrize("correlation", [0.957, 0.8, 0.333])
def test_the_limit_is_approached_slower_where_the_second_moment_is_infinite(correlation):
    """The exponent between 10^7 and 10^8 negatives; 1 is rejected where a < 2, and a - 1 where it is above 1."""
    model = correlated(correlation)
    limit = siglip_critic(model, Caption())[0, 0] / correlation  # in units of the deviations
    exponent = float(negatives_exponent(model, Caption()))
    places = [finite_negatives_of_gaussians(correlation, k, float(limit)) for k in (1e7, 1e8)]
    distances = np.abs(np.array(places) - float(limit))
    slope = np.log10(distances[0] / distances[1])
    if exponent < 1:
        slope += 0.5 * np.log10(8 / 7)  # the factor (log k)^(1/2)
    # Next come factors 1 + O(1 / log k), which change the slope by less than 1 / log k = 0.05.
    assert slope == pytest.approx(exponent, abs=0.04)
    beyond = 1 / float(limit) - 1
    if correlation > 2 / 3:
        assert exponent == pytest.approx(beyond, rel=1e-4) and abs(slope - 1.0) > 0.1
        assert abs(slope - (beyond + 1) / 2) > 0.1  # a / 2, where the true pairs' part would have to be
    else:
        assert exponent == 1.0 and abs(slope - beyond) > 0.1


@pytest.mark.parametrize("caption", CAPTION_SET, ids=CAPTIONS)
def test_exponent_is_where_the_partition_stops_being_finite(caption):
    """By the determinant of the closed form, which the singular values are not taken from."""
    pairs, critic = pairs_of(UNROUND, caption), siglip_critic(UNROUND, caption)
    exponent = jax.jit(moment_exponent)(pairs, critic)
    if caption.kind != "latent":
        assert np.isinf(exponent) and np.isfinite(loss_of(pairs, 50.0 * critic))
    else:
        inside, outside = (loss_of(pairs, factor * exponent * critic) for factor in (0.999, 1.001))
        assert np.isfinite(inside) and np.isinf(outside)


def random_models(size):
    """Arrays of models: sizes log-uniform from 1/e to e, the ratio uniform."""
    rng = seeds.generator(0)
    sizes = np.exp(rng.uniform(-1, 1, (5, size)))
    names = ("mu_inv", "mu_spu", "sigma_inv", "sigma_spu", "sigma_xi")
    drawn = {name: jnp.asarray(row) for name, row in zip(names, sizes, strict=True)}
    models = SpuriousModel(spurious_ratio=jnp.asarray(rng.uniform(0.55, 1.0, size)), **drawn)
    whole = jnp.full(size, 16.0)
    return dataclasses.replace(models, image_dim=whole, text_dim=whole, class_prior=jnp.full(size, 0.5))


def test_half_of_random_models_are_of_the_slow_kind_and_true_pairs_are_never_slower():
    def of(model):
        pairs = pairs_of(model, Caption())
        critic = siglip_critic(model, Caption())
        both = jnp.concatenate([pairs.images.variances[0], pairs.captions.variances[0]])
        shared = jnp.diag(model.latent_sigma**2)
        covariance = jnp.diag(both) + jnp.block([[jnp.zeros((2, 2)), shared], [shared, jnp.zeros((2, 2))]])
        score = jnp.block([[jnp.zeros((2, 2)), critic], [critic.T, jnp.zeros((2, 2))]])
        root_of = jnp.linalg.cholesky(covariance)
        return moment_exponent(pairs, critic), 1 / jnp.linalg.eigvalsh(root_of.T @ score @ root_of)[-1]

    independent, true = (np.asarray(part) for part in jax.jit(jax.vmap(of))(random_models(400)))
    found = np.isfinite(independent)
    assert found.mean() > 0.99
    assert np.all(true[found] >= np.minimum(1.0, independent[found] - 1))
    slow = np.mean(independent[found] < 2)
    # 525 of 1,000 on the page; a share of 400 has a standard deviation of 0.025.
    assert slow == pytest.approx(0.525, abs=0.1)


def test_with_label_captions_it_is_infonce_text_to_image_for_equal_classes_only():
    label = Caption("label")
    np.testing.assert_allclose(siglip_critic(UNROUND, label), infonce_critic(UNROUND, label, 0.0), rtol=1e-8)
    rare = dataclasses.replace(UNROUND, class_prior=0.2)
    assert abs(siglip_critic(rare, label)[0, 0] / infonce_critic(rare, label, 0.0)[0, 0] - 1) > 0.05


def test_loss_is_infinite_where_the_partition_is():
    """With latent captions u^T B t' has no exponential moment once an eigenvalue of V B W B^T reaches 1."""
    pairs = pairs_of(UNROUND, Caption())
    image, text = (np.asarray(mixture.variances[0]) for mixture in (pairs.images, pairs.captions))
    edge = 1 / np.sqrt(image[0] * text[0])
    inside, outside = (loss_of(pairs, jnp.diag(jnp.array([factor * edge, 0.0]))) for factor in (0.99, 1.01))
    assert np.isfinite(inside) and np.isinf(outside)
    critic = siglip_critic(UNROUND, Caption())
    product = np.diag(image) @ np.asarray(critic) @ np.diag(text) @ np.asarray(critic).T
    assert np.abs(np.linalg.eigvals(product)).max() < 1


@pytest.mark.slow  # second derivatives of a quadrature take long to compile
def test_vmaps_and_differentiates():
    function = jax.jit(lambda mu: siglip_critic(dataclasses.replace(UNROUND, mu_spu=mu), Caption()))
    means = jnp.array([0.7, 1.2])
    np.testing.assert_allclose(jax.jit(jax.vmap(function))(means), [function(float(mean)) for mean in means], rtol=1e-8)
    step = 1e-4
    difference = (function(1.0 + step) - function(1.0 - step)) / (2 * step)
    np.testing.assert_allclose(
        jax.jit(jax.jacfwd(function))(1.0), difference, rtol=1e-5
    )  # central differences err by step^2


def test_sampled_pairs_have_no_gradient_at_the_optimum_in_all_of_g():
    """Latent captions: E[e^s (x t'^T - E[x t^T])] = 0 over independent pairs, in all of G, with both noises.

    e^s has three moments at sigma_xi = 4, by the eigenvalue 0.094 of V B W B^T, so that its mean is near normal over a
    million pairs. Power: InfoNCE's critic, a longer one, and critics with a part outside the signal's plane, which the
    entries outside it reject.
    """
    model, caption, size = dataclasses.replace(UNROUND, sigma_xi=4.0), Caption("latent", 0.9, 0.6), 20_000
    pairs, shape = pairs_of(model, caption), (model.image_dim, model.text_dim)
    optimum = jnp.zeros(shape).at[:2, :2].set(siglip_critic(model, caption))
    joint = np.zeros(shape)
    joint[:2, :2] = pairs.joint_moment
    outside = np.ones(shape, bool)
    outside[:2, :2] = False

    runs = 50
    # Single precision is far more exact than so many pairs.
    sample = draw_in_plane(model, runs * size, caption, seed=7, dims=shape).batches(runs)
    images, texts = (part.astype(np.float32) for part in sample[:2])
    texts = np.roll(texts, 1, axis=1)  # each image with another one's caption

    def draws(critic):
        critic, found = np.asarray(critic, np.float32), []
        for own, other in zip(images, texts, strict=True):
            tilt = np.exp(np.einsum("ni,ni->n", own @ critic, other))
            found.append((own * tilt[:, None]).T @ other / size - tilt.mean() * joint)
        return np.stack(found)

    wrong_inside = [jnp.zeros(shape).at[:2, :2].set(infonce_critic(model, caption)), 1.2 * optimum]
    wrong_outside = [optimum.at[row, column].set(0.03) for row, column in ((2, 0), (1, 3), (2, 2))]
    critics = [optimum, *wrong_inside, *wrong_outside]
    right, *wrong = (np.abs(z_scores(draws(critic), 0.0)) for critic in critics)
    assert np.all(right < CRITICAL)
    for scores in wrong[:2]:
        assert np.any(scores[:2, :2] > CRITICAL)
    for scores in wrong[2:]:
        assert np.any(scores[outside] > CRITICAL)
