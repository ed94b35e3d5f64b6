"""S26: SupCon, nCLIP and xCLIP, against the objectives themselves, on samples and trained."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

import sims
import theory
from sims.objectives import nclip
from sims.objectives.infonce import symmetric_cross_entropy
from sims.objectives.nclip import cluster_loss
from sims.objectives.supcon import class_cross_entropy
from tests import seeds
from tests.theorems.monte_carlo import CRITICAL, UNROUND, agree, draw_in_plane, z_scores
from theory import (
    Caption,
    infonce_critic,
    latent_covariance,
    latent_prompt,
    least_squares_direction,
    pointwise_mutual_information,
    spurious_reliance,
)
from theory.mixtures import joint_mixture, pairs_of, second_moment
from theory.statements.bayes import half_log_odds
from theory.statements.other_objectives import (
    BALANCE,
    SHARPNESS,
    canonical_correlation,
    class_information,
    growth,
    nclip_critic,
    nclip_directions,
    nclip_loss,
    supcon_critic,
)
from workbench.compilation import jit

pytestmark = pytest.mark.statement("S26")

MODEL = dataclasses.replace(UNROUND, sigma_xi=0.8)
# Mentions that are arrays keep all choices of what is mentioned: of one shape, what they are used for is compiled once.
ALWAYS = jnp.ones(())
LATENT, ATTRIBUTE = Caption("latent", 0.9, 0.6), Caption("label-attribute", ALWAYS, 0.5)
WHOLE = Caption("latent", ALWAYS, ALWAYS)
# As good as the default at this model, and four times as fast.
infonce_of = functools.partial(infonce_critic, image_to_text=0.5, count=49)
supcon_of = functools.partial(supcon_critic, count=49)
information_of, pmi_of = jax.jit(class_information), jax.jit(pointwise_mutual_information)


def draw(model, caption, size, seed):
    """Images and captions in the signal's plane, and labels."""
    return draw_in_plane(model, size, caption, seed)[:3]


# SupCon.


def second_order(model, caption):
    """Sigma_u^(-1) m_u m_t^T Sigma_t^(-1), from the means and moments of the pairs."""
    pairs = pairs_of(model, caption)
    means = [
        2 * np.asarray(part.weights[:half]) @ np.asarray(part.means[:half])
        for part, half in zip(pairs[:2], (2, 8), strict=True)
    ]
    inverses = [np.linalg.inv(np.asarray(second_moment(part))) for part in pairs[:2]]
    return inverses[0] @ np.outer(*means) @ inverses[1]


def test_batches_have_no_gradient_at_the_optimum():
    """The objective's own loss, extrapolated from batches of 128 and 256; other pairs' optimum and weights are off."""

    model = dataclasses.replace(MODEL, mu_inv=1.5)  # strong enough for the second order not to be enough

    def gradients(size, batches, seed):
        sample = draw_in_plane(model, size * batches, LATENT, seed).batches(batches)
        sample = [jnp.asarray(part, jnp.float32) for part in sample[:3]]

        def one(critic, batch):
            images, texts, labels = batch
            return jax.grad(lambda b: class_cross_entropy(images @ b, texts, labels))(critic).reshape(4)

        compiled = jit(lambda critic, batches: jax.lax.map(lambda batch: one(critic, batch), batches), long=True)
        return lambda critic: np.asarray(compiled(jnp.asarray(critic, jnp.float32), sample))

    small, large = gradients(128, 250, 261), gradients(256, 250, 262)
    right = supcon_of(model, LATENT)
    at_right = 2 * large(right) - small(right)
    assert np.max(np.abs(z_scores(at_right, 0.0))) < CRITICAL
    for wrong in (infonce_of(model, LATENT), jnp.asarray(second_order(model, LATENT)), 1.3 * right):
        # Along the way from one to the other, where the loss rises.
        way = np.asarray(wrong - right).reshape(4)
        assert abs(z_scores(at_right @ way, 0.0)) < CRITICAL
        assert z_scores((2 * large(wrong) - small(wrong)) @ way, 0.0) > CRITICAL


def test_with_label_captions_each_batch_has_infonces_loss():
    """Whatever the critic: all captions of a class are one. With captions that say more it is another loss."""
    critic = jnp.array([[0.7, -0.2], [0.4, 0.5]])

    @jax.jit
    def losses(images, texts, labels):
        return class_cross_entropy(images @ critic, texts, labels), symmetric_cross_entropy(images @ critic, texts)

    for kind, same in (("label", True), ("label-attribute", False)):
        images, texts, labels = map(jnp.asarray, draw(MODEL, Caption(kind), 60, 263))
        both = losses(images, texts, labels)
        assert (abs(both[0] - both[1]) < 1e-12) == same


def test_what_words_say_of_the_background_is_not_learned():
    found = supcon_of(MODEL, ATTRIBUTE)
    of_label = infonce_of(MODEL, Caption("label"))
    np.testing.assert_allclose(found, of_label, atol=1e-9)
    np.testing.assert_allclose(of_label[:, 1], 0.0, atol=1e-12)
    # InfoNCE learns it, and so would SupCon if captions did not always name the class.
    assert abs(infonce_of(MODEL, ATTRIBUTE)[1, 1]) > 0.1


def test_weak_signals_make_every_prompt_least_squares():
    """The distance from least squares falls as the square of the signal's size; InfoNCE's does not fall."""
    distances, prompts = [], ("label", "class-mean")
    for size in (0.3, 0.1):
        weak = {name: size * getattr(MODEL, name) for name in ("mu_inv", "mu_spu", "sigma_inv", "sigma_spu")}
        model = dataclasses.replace(MODEL, **weak)
        critic, wanted = supcon_of(model, LATENT), spurious_reliance(least_squares_direction(model))
        rules = [critic @ latent_prompt(model, prompt, LATENT) for prompt in prompts]
        distances.append([abs(float(spurious_reliance(rule) - wanted)) for rule in rules])
        np.testing.assert_allclose(critic, second_order(model, LATENT), rtol=3 * size**2)
    assert np.all(np.array(distances[1]) < 0.15 * np.array(distances[0]))  # a ninth, and the next order
    other = infonce_of(model, LATENT) @ latent_prompt(model, "label")
    assert abs(spurious_reliance(other) - wanted) > 0.5


def shuffled_within_classes(labels, rng):
    """Places of other captions of the same classes."""
    places = np.arange(len(labels))
    for label in (-1, 1):
        places[labels == label] = rng.permutation(places[labels == label])
    return places


@pytest.mark.parametrize("caption", [LATENT, ATTRIBUTE], ids=["latent", "label-attribute"])
def test_best_critic_of_all_is_the_density_ratio_of_pairs_of_a_class(caption):
    """E over right pairs = E over independent ones of e^s, for functions of a pair; with PMI it is not."""
    model = dataclasses.replace(UNROUND, class_prior=0.35)
    images, texts, labels = draw(model, caption, 40_000, 264)
    rng = seeds.generator(265)
    right, apart = shuffled_within_classes(labels, rng), rng.permutation(len(labels))

    def functions(texts):
        return np.stack(
            [np.ones(len(texts)), *(np.tanh(images[:, i] * texts[:, j]) for i in (0, 1) for j in (0, 1))], 1
        )

    def differences(critic):
        weight = np.exp(np.asarray(critic(model, caption, images, texts[apart])))
        return functions(texts[right]) - weight[:, None] * functions(texts[apart])

    assert agree(differences(information_of), 0.0)
    assert not agree(differences(pmi_of), 0.0)


def test_with_any_function_opposite_prompts_decide_as_the_bayes_classifier():
    images, texts = map(jnp.asarray, draw(UNROUND, LATENT, 500, 266)[:2])
    gap = information_of(UNROUND, LATENT, images, texts) - information_of(UNROUND, LATENT, images, -texts)
    # Which class a caption names: the posterior of the label given it, by the same function of a far positive image.
    far = jnp.tile(jnp.array([[40.0, 0.0]]), (len(texts), 1))
    names = information_of(UNROUND, LATENT, far, texts) - information_of(UNROUND, LATENT, far, -texts)
    bayes = np.sign(half_log_odds(UNROUND, images))
    decided = np.abs(gap) > 1e-9
    assert decided.mean() > 0.95
    np.testing.assert_array_equal(np.sign(gap * names)[decided], bayes[decided])
    # A critic that sees what the caption shares with the image beyond the class does not.
    pmi = pmi_of(UNROUND, LATENT, images, texts)
    pmi = pmi - pmi_of(UNROUND, LATENT, images, -texts)
    assert np.mean(np.sign(pmi * names) == bayes) < 0.95


# nCLIP.


@pytest.mark.parametrize("caption", [LATENT, ATTRIBUTE], ids=["latent", "label-attribute"])
def test_loss_for_two_clusters_is_that_of_samples(caption):
    """A lost balance or sharpness, weights that do not belong together, and less that is shared are rejected."""
    assert (SHARPNESS, BALANCE) == (nclip.SHARPNESS, nclip.BALANCE)
    model = dataclasses.replace(UNROUND, class_prior=0.35)
    weights = jnp.array([0.8, 1.7]), jnp.array([1.5, -0.6])
    images, texts, _ = draw(model, caption, 200_000, 267)
    logits = [np.outer(part @ np.asarray(w), [0.5, -0.5]) for part, w in zip((images, texts), weights, strict=True)]
    batches = [part.reshape(200, 1000, 2) for part in logits]
    found = np.asarray(jax.jit(jax.vmap(cluster_loss))(*batches))
    # Of a batch of 1000 the entropy of the mean is below the limit's by some 3e-4, a fifth of the standard error.
    loss = jax.jit(nclip_loss)
    right = float(loss(model, caption, *weights, SHARPNESS, BALANCE))
    assert abs(z_scores(found, right)) < CRITICAL
    wrong = [loss(model, caption, *weights, SHARPNESS, 0.0), loss(model, caption, *weights, -SHARPNESS, BALANCE)]
    wrong.append(loss(model, caption, weights[0], -weights[1], SHARPNESS, BALANCE))  # they do not belong together
    if caption.kind == "latent":
        unshared = dataclasses.replace(model, sigma_inv=0.3)
        wrong.append(loss(unshared, caption, *weights, SHARPNESS, BALANCE))
    assert all(abs(z_scores(found, float(each))) > CRITICAL for each in wrong)


def test_small_weights_have_the_loss_of_second_order():
    """The objective's gradient on 5 clusters, off the signal's plane as well, in the sample's own moments."""
    rng = seeds.generator(268)
    shared = rng.normal(size=(400, 2))
    images, texts = (shared @ rng.normal(size=(2, dim)) + rng.normal(size=(400, dim)) for dim in (4, 3))
    images, texts = images - images.mean(axis=0), texts - texts.mean(axis=0)
    weights = [1e-4 * rng.normal(size=(dim, 5)) for dim in (4, 3)]
    weights = [each - each.mean(axis=1, keepdims=True) for each in weights]
    loss = lambda both: cluster_loss(images @ both[0], texts @ both[1])  # noqa: E731
    gradient = jax.jit(jax.grad(loss))([jnp.asarray(w) for w in weights])
    moments = images.T @ images / 400, images.T @ texts / 400, texts.T @ texts / 400
    held = 1 - SHARPNESS

    def expected(held):
        return (held / 2 * moments[0] @ weights[0] - moments[1] @ weights[1]) / 5, (
            held / 2 * moments[2] @ weights[1] - moments[1].T @ weights[0]
        ) / 5

    for got, wanted, wrong in zip(gradient, expected(held), expected(1 + SHARPNESS), strict=True):
        got = np.asarray(got) - np.mean(got, axis=1, keepdims=True)
        np.testing.assert_allclose(got, wanted, atol=1e-2 * np.abs(wanted).max())  # the next order is 1e-4 of it
        assert np.abs(got - wrong).max() > 0.1 * np.abs(wanted).max()


def test_zero_weights_are_a_minimum_where_image_and_caption_hardly_correlate():
    """The threshold, from both sides, with the canonical correlation of another route."""
    model = dataclasses.replace(UNROUND, sigma_xi=5.0)

    @jax.jit
    def moments(model):
        pairs = joint_mixture(model, WHOLE)
        return second_moment(pairs.images), second_moment(pairs.captions), pairs.joint_moment()

    correlation, grown = jax.jit(canonical_correlation), jax.jit(growth)
    *seconds, joint = map(np.asarray, moments(model))
    roots = [np.linalg.inv(np.linalg.cholesky(second)) for second in seconds]
    top = np.linalg.svd(roots[0] @ joint @ roots[1].T)[1][0]
    np.testing.assert_allclose(correlation(model, WHOLE), top, rtol=1e-10)
    threshold = 1 - 2 * top
    assert 0 < threshold < 1
    assert grown(model, WHOLE, threshold - 0.01).rates[0] < 0 < grown(model, WHOLE, threshold + 0.01).rates[0]
    assert np.all(np.asarray(nclip_directions(model, WHOLE, threshold - 0.01)) == 0)
    # The entropy of the mean has no say, and at the defaults zero is a saddle.
    assert correlation(dataclasses.replace(UNROUND, sigma_xi=1.0), WHOLE) > 0.5


def test_what_grows_first_is_the_leading_direction_of_the_covariance():
    """With noises of one size; with SupCon's or InfoNCE's whitening it would be another."""
    model = dataclasses.replace(UNROUND, text_dim=UNROUND.image_dim)
    leading = np.linalg.eigh(np.asarray(latent_covariance(model)))[1][:, -1]
    first = np.asarray(jax.jit(growth)(model, WHOLE).images[0])
    np.testing.assert_allclose(first / np.linalg.norm(first), leading * np.sign(leading[0]), atol=1e-12)


@pytest.fixture(scope="module")
def found():
    """Directions at two models, by kind of caption."""
    return {caption.kind: nclip_directions(MODEL, caption) for caption in (LATENT, ATTRIBUTE)}


@pytest.mark.parametrize("caption", [LATENT, ATTRIBUTE], ids=["latent", "label-attribute"])
def test_no_start_ends_lower(caption, found):
    """Searches from random places, large and small, by SciPy."""
    local = jax.jit(jax.value_and_grad(lambda w: nclip_loss(MODEL, caption, w[:2], w[2:])))
    value, slope = local(jnp.concatenate(found[caption.kind]))
    np.testing.assert_allclose(slope, 0.0, atol=1e-9)
    rng = np.random.default_rng(269)
    for size in (0.1, 1.0, 1.0, 5.0, 5.0):
        end = minimize(
            lambda w: [np.asarray(part, float) for part in local(jnp.asarray(w))],
            size * rng.normal(size=4),
            jac=True,
            method="BFGS",
        )
        assert end.fun > value - 1e-9


def test_two_clusters_have_one_rule_whatever_the_prompt_and_the_balance(found):
    critic = nclip_critic(MODEL, LATENT)
    np.testing.assert_allclose(critic, np.outer(*found["latent"]) / 2, rtol=1e-12)
    rules = [critic @ latent_prompt(MODEL, prompt, LATENT) for prompt in ("label", "class-mean")]
    np.testing.assert_allclose(*(spurious_reliance(rule) for rule in rules), rtol=1e-12)
    for other, moved in (
        (nclip_directions(MODEL, LATENT, SHARPNESS, 0.0), False),
        (nclip_directions(MODEL, LATENT, 0.0), True),
    ):
        gap = np.abs(np.concatenate(other) - np.concatenate(found["latent"])).max()
        assert (gap > 1e-3) == moved and (moved or gap < 1e-7)


@pytest.mark.slow
def test_in_single_precision_mapped_and_differentiated(found):
    def weight(sigma_spu):
        return nclip_directions(dataclasses.replace(MODEL, sigma_spu=sigma_spu), LATENT)[0][1]

    step = 1e-4
    slope = (weight(MODEL.sigma_spu + step) - weight(MODEL.sigma_spu - step)) / (2 * step)
    np.testing.assert_allclose(jax.grad(weight)(MODEL.sigma_spu), slope, rtol=1e-5)
    with jax.enable_x64(False):
        single = jax.vmap(weight)(np.array([MODEL.sigma_spu, 0.5], np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, [weight(MODEL.sigma_spu), weight(0.5)], rtol=1e-3)


@pytest.mark.slow
def test_trained_encoders_do_as_stated():
    """Two clusters end at the closed form; xCLIP's rule is CLIP's on the same draws, and two clusters' is not."""
    model = theory.SpuriousModel(image_dim=6, text_dim=6)
    clusters = sims.train(model, ("nclip",), embed_dim=2, batch_size=256, steps=2400, seeds=4)
    both = sims.train(model, ("infonce", "xclip"), embed_dim=8, batch_size=64, steps=2400, seeds=4)
    for prompt in ("label", "class-mean"):
        for group in ("aligned", "conflicting"):
            exact = float(getattr(theory.accuracy(model, "nclip", prompt=prompt), group))
            (mean, error), clip, other = (
                (row.accuracy[group], row.stderr[group])
                for row in (
                    next(row for row in result.rows if (row.learner, row.prompt) == (name, prompt))
                    for result, name in ((clusters, "nclip"), (both, "infonce"), (both, "xclip"))
                )
            )
            # Five standard errors, and half a point for what so few steps leave.
            assert abs(mean - exact) < 5 * error + 0.005
            assert abs(clip[0] - other[0]) < 5 * np.hypot(clip[1], other[1]) + 0.01
        assert abs(clip[0] - mean) > 0.1
