"""S27: hidden layers of random features: what the linearised loss and supervised learners make of them."""

import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.theorems import networks
from tests import seeds
from tests.conftest import ROOT
from tests.documentation import FINDINGS
from tests.theorems.monte_carlo import CRITICAL, UNROUND, agree, draw_in_plane
from theory import (
    Caption,
    SpuriousModel,
    caption_covariance,
    group_accuracies,
    mixed_prompt,
    pointwise_mutual_information,
    zero_shot_direction,
)
from theory.decision_curve import curve_accuracies
from theory.names import share_of
from theory.statements.bayes import bayes_accuracies, half_log_odds
from theory.statements.networks import kernel_accuracies, kernel_score, relu_kernel
from theory.statements.silent_captions import unrestricted_accuracies
from workbench.errors import ParameterError

pytestmark = pytest.mark.statement("S27")

CAPTION_SET = {
    "latent": Caption("latent", 1.0, 0.6),
    "label": Caption("label"),
    "label-attribute": Caption("label-attribute", 1.0, 0.4),
}
PLACES = jnp.array([[0.4, -0.9], [-0.7, 1.1], [0.2, 0.3], [1.3, -1.6]])
LENGTHS = 1.3, 0.9
score_of = jax.jit(kernel_score)
accuracies_of = jax.jit(kernel_accuracies, static_argnums=2)


@pytest.fixture(scope="module")
def pairs():
    """100,000 pairs for each kind of caption; images and texts with all of their dimensions, the plane's two first."""
    dims = UNROUND.image_dim, UNROUND.text_dim
    return {kind: draw_in_plane(UNROUND, 100_000, caption, 270, dims=dims)[:2] for kind, caption in CAPTION_SET.items()}


def kernel_products(pairs, vector):
    """Kernels of image and caption, multiplied, at the places and at a prompt and its opposite: (2, pairs, places)."""

    def kernel(points, place, length):
        apart = np.sum((points[:, :2] - place) ** 2, axis=1) + np.sum(points[:, 2:] ** 2, axis=1)
        return np.exp(-0.5 * apart / length**2)

    images, texts = pairs
    of_image = np.stack([kernel(images, place, LENGTHS[0]) for place in np.asarray(PLACES)], axis=1)
    of_text = [kernel(texts, sign * np.asarray(vector), LENGTHS[1])[:, None] for sign in (1.0, -1.0)]
    return np.stack([of_image * part for part in of_text])


@pytest.mark.parametrize("kind", CAPTION_SET)
@pytest.mark.parametrize("prompt", ["label", "class-mean"])
def test_the_score_is_the_log_ratio_of_two_kernel_averages(kind, prompt, pairs):
    """Over images and texts with noise in all dimensions. Rejected: half of the blur, and a blur that is shared."""
    caption = CAPTION_SET[kind]
    vector = mixed_prompt(UNROUND, share_of(prompt), caption)
    products = kernel_products(pairs[kind], vector)

    def agrees(score):
        weight = np.exp(np.asarray(score))
        return agree(products[0] / weight - products[1] * weight, np.zeros(len(PLACES)))

    assert agrees(score_of(UNROUND, caption, vector, PLACES, *LENGTHS))
    assert not agrees(score_of(UNROUND, caption, vector, PLACES, *(length / np.sqrt(2.0) for length in LENGTHS)))
    # As if the blur were spread of the features, which image and caption share.
    shared = dataclasses.replace(UNROUND, sigma_inv=float(np.hypot(UNROUND.sigma_inv, LENGTHS[0])))
    assert not agrees(score_of(shared, caption, vector, PLACES, 1e-9, LENGTHS[1]))


def test_without_a_blur_it_is_s13():
    caption = CAPTION_SET["latent"]
    vector = jnp.array([0.7, 0.5])
    prompts = [jnp.broadcast_to(sign * vector, PLACES.shape) for sign in (1.0, -1.0)]
    information = [jax.jit(pointwise_mutual_information)(UNROUND, caption, PLACES, prompt) for prompt in prompts]
    found = score_of(UNROUND, caption, vector, PLACES, 0.0, 0.0)
    np.testing.assert_allclose(2 * found, information[0] - information[1], atol=1e-10)


@pytest.mark.parametrize(("kind", "prompt"), [("latent", "class-mean"), ("label", "label")])
def test_with_a_wide_kernel_it_is_the_linear_learner(kind, prompt):
    """To the order of 1 / length^2, and no sooner."""
    caption = CAPTION_SET[kind]
    linear = caption_covariance(UNROUND, caption) @ mixed_prompt(UNROUND, share_of(prompt), caption)
    expected = group_accuracies(UNROUND, linear)
    apart = [
        np.abs(accuracies_of(UNROUND, caption, prompt, length, length) - expected).max() for length in (30.0, 60.0)
    ]
    assert apart[1] < 2e-3 and 3.0 < apart[0] / apart[1] < 5.0


def test_with_words_and_the_label_prompt_it_is_the_bayes_classifier_of_blurred_images():
    """However often the background is named."""
    blurred = dataclasses.replace(
        UNROUND, sigma_xi=float(np.sqrt(UNROUND.sigma_xi**2 + UNROUND.image_dim * LENGTHS[0] ** 2))
    )
    expected = half_log_odds(blurred, PLACES)
    of_curve = jax.jit(lambda: curve_accuracies(UNROUND, lambda images: half_log_odds(blurred, images)))()
    for mention in (0.0, 0.4, 1.0):
        caption = Caption("label-attribute", 1.0, mention)
        # Half a log ratio of sums over both classes' images; its sign, and where it is 0, are the classifier's.
        found = score_of(UNROUND, caption, jnp.array([1.0, 0.0]), PLACES, *LENGTHS)
        assert np.array_equal(np.sign(found), np.sign(expected))
        np.testing.assert_allclose(accuracies_of(UNROUND, caption, "label", *LENGTHS), of_curve, atol=1e-9)
    # At a prompt that names the background, too, it is another rule.
    place = jnp.array([[1.3, -0.9]])
    of_both = score_of(UNROUND, CAPTION_SET["label-attribute"], jnp.array([1.0, 1.0]), place, *LENGTHS)
    assert of_both[0] < 0 < half_log_odds(blurred, place)[0]


def test_bayes_accuracies_by_the_curve():
    """An independent route to S10: no formula for the boundary, and unequal classes."""
    model = dataclasses.replace(UNROUND, class_prior=0.3)
    found = jax.jit(lambda: curve_accuracies(model, lambda images: half_log_odds(model, images)))()
    np.testing.assert_allclose(found, bayes_accuracies(model), atol=1e-10)


def test_relus_without_biases_are_linear_and_others_are_not():
    """Of any sample of pairs with their opposites, exactly: the linear rule; not with biases, and not without them."""
    images, texts = (jnp.asarray(seeds.generator(place).normal(size=(40, 3))) for place in (1, 2))
    images, texts = jnp.concatenate([images, -images]), jnp.concatenate([texts, -texts])
    prompt, places = jnp.array([[0.8, -0.3, 0.5]]), jnp.asarray(seeds.generator(3).normal(size=(6, 3)))

    @jax.jit
    def rule(bias):
        said = relu_kernel(texts, prompt, bias) - relu_kernel(texts, -prompt, bias)
        return (relu_kernel(places, images, bias) @ said)[:, 0] / len(images)

    linear = places @ (images.T @ texts / len(images)) @ prompt[0]
    np.testing.assert_allclose(rule(0.0), linear / 8.0, atol=1e-12)
    with_biases = rule(1.0)
    fitted = with_biases @ linear / (linear @ linear)
    assert np.abs(with_biases - fitted * linear).max() > 0.02 * np.abs(with_biases).max()


def test_supervised_learners_on_such_relus_are_linear():
    """Kernel ridge regression of images with their opposites is linear ridge regression with 4 times the penalty."""
    images, labels = jnp.asarray(seeds.generator(6).normal(size=(40, 3))), jnp.sign(seeds.generator(7).normal(size=40))
    images, labels = jnp.concatenate([images, -images]), jnp.concatenate([labels, -labels])
    places, penalty = jnp.asarray(seeds.generator(8).normal(size=(6, 3))), 2.0

    @jax.jit
    def ridge(bias):
        kernel = relu_kernel(images, images, bias) + penalty * jnp.eye(len(images))
        return relu_kernel(places, images, bias) @ jnp.linalg.solve(kernel, labels)

    def linear(strength):
        moment = images.T @ images + strength * penalty * jnp.eye(3)
        return places @ jnp.linalg.solve(moment, images.T @ labels)

    np.testing.assert_allclose(ridge(0.0), linear(4.0), atol=1e-6)  # the angle of a point with itself, in rounding
    assert np.abs(ridge(0.0) - linear(1.0)).max() > 1e-3
    assert np.abs(ridge(1.0) - linear(4.0)).max() > 1e-3


def test_relu_kernel_is_the_average_over_units():
    rng = seeds.generator(4)
    points = rng.normal(size=(2, 3))
    weights, biases = rng.normal(size=(200_000, 3)), 0.7 * rng.normal(size=(200_000, 1))
    hidden = np.maximum(weights @ points.T + biases, 0.0)
    draws = hidden[:, :1] * hidden
    expected = relu_kernel(jnp.asarray(points[:1]), jnp.asarray(points), 0.7)[0]
    assert agree(draws, expected)
    assert not agree(draws, relu_kernel(jnp.asarray(points[:1]), jnp.asarray(points))[0])


@pytest.mark.slow
def test_random_features_end_there():
    """1024 features, 5000 pairs, 16 times: cosines at the kernel's closed form, ReLUs at the linear one.

    Each rejects the other's.
    """
    model, length, prompt = networks.MODEL, 2.0, "class-mean"
    cosines = float(accuracies_of(model, Caption(), prompt, length, length)[1])
    linear = float(group_accuracies(model, zero_shot_direction(model, prompt))[1])
    keys = jax.random.split(seeds.key(271), 16)
    for relu, right, wrong in ((False, cosines, linear), (True, linear, cosines)):
        run = lambda key, relu=relu: networks.linearised_accuracy(key, length, Caption(), 1.0, 1024, relu)  # noqa: E731
        draws = np.asarray(jax.jit(lambda keys, run=run: jax.lax.map(run, keys))(keys))
        # 16 draws can agree by chance, and 1024 features and 5000 pairs leave a bias of a point or so.
        critical = CRITICAL * max(draws.std(ddof=1), 0.01) / np.sqrt(len(draws)) + 0.01
        assert abs(draws.mean() - right) < critical < abs(draws.mean() - wrong)


def test_the_rule_is_right_beyond_one_place():
    """What its accuracies assume, at random models and lengths: proven for the label prompt, where the score rises."""
    rng = seeds.generator(5)
    invariant, spurious = jnp.meshgrid(jnp.linspace(-8.0, 8.0, 81), jnp.linspace(-6.0, 6.0, 9))
    places = jnp.stack([invariant.reshape(-1), spurious.reshape(-1)], axis=1)
    for _ in range(20):
        sizes = np.exp(rng.uniform(-1.0, 1.0, 4))
        model = SpuriousModel(rng.uniform(0.5, 0.99), *sizes, sigma_xi=float(np.exp(rng.uniform(-1.0, 1.0))))
        for kind in ("latent", "label-attribute"):
            caption = Caption(kind, 1.0, float(rng.uniform()))
            lengths = np.exp(rng.uniform(-1.5, 1.5, 2))
            for share in (0.0, 1.0):
                scores = score_of(model, caption, mixed_prompt(model, share, caption), places, *lengths)
                rows = np.asarray(scores).reshape(9, 81)
                assert np.all(np.diff(np.sign(rows), axis=1) >= 0)
                # It saturates far out, with words: equal but for rounding.
                assert share > 0.0 or np.all(np.diff(rows, axis=1) > -1e-9)


@pytest.mark.slow
def test_the_pages_table_and_the_findings():
    """Columns of the kernel's lengths, and of the limit: any function."""
    page = (ROOT / "docs" / "theory" / "networks.md").read_text()
    lengths = (4.0, 2.0, 1.0, 0.5)
    model = SpuriousModel()
    limit_of = jax.jit(unrestricted_accuracies, static_argnums=2)
    rows = {
        ("latent", "label"): Caption(),
        ("latent", "class-mean"): Caption(),
        ("latent, half name the background", "class-mean"): Caption("latent", 1.0, 0.5),
        ("label", "either"): Caption("label"),
        ("label-attribute, half name the background", "label"): Caption("label-attribute", 1.0, 0.5),
    }
    for (name, shown), caption in rows.items():
        prompt = "label" if shown == "either" else shown
        limit = limit_of(model, caption, prompt)
        found = [*(accuracies_of(model, caption, prompt, length, length)[1] for length in lengths), limit[1]]
        (row,) = re.findall(rf"^\| {name} \| {shown} \| (.*) \|$", page, re.M)
        assert row.split(" | ")[2:] == [f"{100 * value:.1f}" for value in found]
        if caption.mentions[1] != 0.5:
            assert f"{100 * limit[1]:.1f}%" in FINDINGS


def test_refuses_the_best_prompt():
    with pytest.raises(ParameterError, match="a mixture"):
        kernel_accuracies(UNROUND, Caption(), "best", 1.0, 1.0)


@pytest.mark.slow
def test_vmaps_differentiates_and_bears_single_precision():
    def conflicting(length):
        return kernel_accuracies(UNROUND, Caption(), "label", length, 1.0)[1]

    step = 1e-5
    lengths = jnp.array([0.8 - step, 0.8, 0.8 + step, 1.5])
    values, slopes = map(np.asarray, jax.jit(jax.vmap(jax.value_and_grad(conflicting)))(lengths))
    assert not np.isclose(values[1], values[3], atol=1e-3)
    np.testing.assert_allclose(slopes[1], (values[2] - values[0]) / (2 * step), rtol=1e-6)
    with jax.enable_x64(False):
        single = jax.jit(conflicting)(jnp.float32(0.8))
    np.testing.assert_allclose(single, values[1], atol=2e-5)
