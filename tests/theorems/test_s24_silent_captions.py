"""S24: how many captions must name the background, and what a text encoder of more capacity makes of it."""

import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.synthetic.sampler import sample_bases, sample_pairs
from sims.theorems import silent_captions
from sims.theorems.hidden_layers import infonce, infonce_on_words, initial_encoders
from tests import seeds
from tests.conftest import ROOT
from tests.documentation import FINDINGS, words_of
from tests.theorems.monte_carlo import CRITICAL, UNROUND, agree, draw_in_plane
from theory import (
    Caption,
    SpuriousModel,
    contrastive_critic,
    group_accuracies,
    infonce_critic,
    latent_prompt,
    logistic_direction,
    pointwise_mutual_information,
    spurious_reliance,
)
from theory.bisection import false_position
from theory.statements.bayes import bayes_accuracies
from theory.statements.silent_captions import (
    SAYINGS,
    critical_share,
    free_text_rules,
    linearised_critical_share,
    unrestricted_accuracies,
)
from workbench.compilation import jit
from workbench.errors import ParameterError

pytestmark = pytest.mark.statement("S24")

NODES = 49
MENTION = 0.4
SAID = np.concatenate([SAYINGS, -SAYINGS])
critical_of = jax.jit(critical_share, static_argnums=(1, 2, 3, 4))
unrestricted_of = jax.jit(unrestricted_accuracies, static_argnums=2)


@pytest.fixture(scope="module")
def pairs():
    """200,000 images and captions in the plane, with what each says as a place in `SAID`."""

    sample = draw_in_plane(UNROUND, 200_000, Caption("label-attribute", 1.0, MENTION), 240)
    images, texts = sample.images, sample.texts
    return images, np.argmin(np.abs(texts[:, None] - SAID[None]).sum(axis=2), axis=1)


def shares(mention, model=UNROUND):
    ratio = model.spurious_ratio
    return np.tile([1 - mention, mention * ratio, mention * (1 - ratio)], 2) / 2


def slopes(rules, images, own):
    """Gradients of both halves of the loss in h(t), image by image, with the known frequencies of captions."""
    every = np.concatenate([rules, -rules])
    scores, frequency = images @ every.T, shares(MENTION)
    likely = frequency * np.exp(scores - scores.max(axis=1, keepdims=True))
    is_own = own[:, None] == np.arange(6)[None]
    mean, variance = np.asarray(UNROUND.latent_mean), np.asarray(UNROUND.image_variance)
    signs = np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]])
    ratio = UNROUND.spurious_ratio
    exponents = (signs * mean) @ every.T + 0.5 * np.sum(variance * every**2, axis=1)
    partition = np.array([ratio, 1 - ratio, ratio, 1 - ratio]) / 2 @ np.exp(exponents)
    halves = []
    for share in (likely / likely.sum(axis=1, keepdims=True), frequency * np.exp(scores) / partition):
        of_caption = (share - is_own)[:, :, None] * images[:, None, :]
        halves.append((of_caption[:, :3] - of_caption[:, 3:]).reshape(len(images), 6))
    return halves


def test_free_captions_are_stationary_and_captions_that_add_up_are_not(pairs):
    """In the plausible wrong one h(t) = B t, with the best B (S14): the text encoder has no third feature."""
    for weight in (1.0, 0.5, 0.0):
        rules = np.asarray(free_text_rules(UNROUND, MENTION, weight, NODES))
        one, other = slopes(rules, *pairs)
        assert agree(weight * one + (1 - weight) * other, np.zeros(6))
        assert not agree((1 - weight) * one + weight * other, np.zeros(6)) or weight == 0.5
    critic = infonce_critic(UNROUND, Caption("label-attribute", 1.0, MENTION), 0.5, NODES)
    one, other = slopes(SAYINGS @ np.asarray(critic).T, *pairs)
    assert not agree(0.5 * one + 0.5 * other, np.zeros(6))


def test_silent_captions_alone_decide_text_to_image():
    """The label prompt's rule is the one of captions that name the class alone, at every share; by another route."""
    alone = infonce_critic(UNROUND, Caption("label"), 0.0, NODES)[:, 0]
    for mention in (0.2, 0.8):
        np.testing.assert_allclose(free_text_rules(UNROUND, mention, 0.0, NODES)[0], alone, rtol=1e-8)
        adds_up = infonce_critic(UNROUND, Caption("label-attribute", 1.0, mention), 0.0, NODES)[:, 0]
        assert np.abs(adds_up - alone).max() > 0.01


def test_image_to_text_starts_at_logistic_regression_and_leans_ever_more():
    logistic = logistic_direction(UNROUND)
    rules = [free_text_rules(UNROUND, mention, 1.0, NODES)[0] for mention in (1e-5, 0.2, 0.5, 0.8)]
    np.testing.assert_allclose(rules[0], logistic / 2, rtol=1e-4)
    assert np.all(np.diff([float(spurious_reliance(rule)) for rule in rules]) > 0.01)
    adding = infonce_critic(UNROUND, Caption("label-attribute", 1.0, 0.5), 1.0, NODES)[:, 0]
    assert spurious_reliance(adding) < spurious_reliance(logistic)


MODEL = SpuriousModel()
PAGE = (ROOT / "docs" / "theory" / "silent_captions.md").read_text()
TABLE = PAGE[PAGE.index("any function |") :].partition("\n\n")[0]
COLUMNS = (
    "linearized",
    "infonce_bilinear",
    "infonce_image_to_text",
    "infonce_text_to_image",
    "siglip",
    "unrestricted",
)


@pytest.mark.parametrize(
    ("learner", "kind", "prompt"),
    [
        ("infonce_bilinear", "label-attribute", "label"),
        pytest.param("infonce_text_to_image", "latent", "class-mean", marks=pytest.mark.slow),
        pytest.param("siglip", "latent", "class-mean", marks=pytest.mark.slow),
    ],
)
def test_at_the_critical_share_it_is_as_robust_as_logistic_regression(learner, kind, prompt):
    """Not at the share that a straight line between no and all captions gives."""
    share = float(critical_of(MODEL, learner, kind, prompt, NODES))
    supervised = logistic_direction(MODEL)
    logistic = group_accuracies(MODEL, supervised)

    @jax.jit
    def rule(mention):
        caption = Caption(kind, 1.0, mention)
        # At more nodes, where the learner has a quadrature.
        return contrastive_critic(learner, MODEL, caption, count=65) @ latent_prompt(MODEL, prompt, caption)

    np.testing.assert_allclose(group_accuracies(MODEL, rule(share)), logistic, atol=1e-6)
    fewer, more = (group_accuracies(MODEL, rule(share + step))[1] - logistic[1] for step in (-0.05, 0.05))
    assert (fewer < -1e-3 and more > 1e-3) if kind == "label-attribute" else (fewer > 1e-3 and more < -1e-3)
    none, every = (float(spurious_reliance(rule(mention))) for mention in (0.0, 1.0))
    straight = (none - float(spurious_reliance(supervised))) / (none - every)
    assert abs(straight - share) > 0.01
    cell = f"{share:.3f}".removeprefix("0")
    (of_kind,) = re.findall(rf"^\| {kind} \| {prompt} \| (.*) \|$", TABLE, re.M)
    assert dict(zip(COLUMNS, of_kind.split(" | "), strict=True))[learner].endswith(f" {cell}")
    if learner == "infonce_bilinear":
        assert f"if {100 * share:.0f}% do ([S24](theory/silent_captions.md))" in words_of(FINDINGS)


def test_linearised_share_has_a_closed_form():
    for model, kind in (
        (MODEL, "latent"),
        (UNROUND, "latent"),
        (dataclasses.replace(UNROUND, sigma_inv=1.4), "label-attribute"),
    ):
        found = critical_of(model, "linearized", kind, "class-mean", NODES)
        assert 0.3 < found < 0.9
        np.testing.assert_allclose(found, linearised_critical_share(model, kind), rtol=1e-9)
    # It would take more captions than there are.
    assert linearised_critical_share(dataclasses.replace(UNROUND, sigma_inv=1.4), "latent") > 1
    assert np.isnan(
        critical_of(dataclasses.replace(UNROUND, sigma_inv=1.4), "linearized", "latent", "class-mean", NODES)
    )


def test_where_there_is_none():
    """The linearised loss sees no mention at the label prompt, and the class mean of words leans more."""
    assert np.isnan(critical_of(MODEL, "linearized", "label-attribute", "label", NODES))
    assert np.isnan(linearised_critical_share(MODEL, "label-attribute"))


@pytest.mark.slow
def test_critical_shares_of_any_function():
    """One in a thousand silent latent captions is enough at the class mean; the label prompt has no such share."""
    share = critical_of(MODEL, "unrestricted", "latent", "class-mean", NODES)
    (row,) = re.findall(r"^\| latent \| class-mean \| (.*) \|$", TABLE, re.M)
    assert row.endswith(f"below {share:.3f}".replace("0.", "."))
    accuracy = unrestricted_of(MODEL, Caption("latent", 1.0, share), "class-mean")[1]
    np.testing.assert_allclose(accuracy, group_accuracies(MODEL, logistic_direction(MODEL))[1], atol=1e-9)
    for kind in ("latent", "label-attribute"):
        assert np.isnan(critical_of(MODEL, "unrestricted", kind, "label", NODES))


def test_the_pages_table_of_free_captions():
    for name, weight in (("InfoNCE", 0.5), ("image to text", 1.0), ("text to image", 0.0)):
        (row,) = re.findall(rf"^\| free text, linear images, {name} \| (.*) \|$", PAGE, re.M)
        for mention, cell in zip((0.1, 0.3, 0.5, 0.7, 0.9, 0.98), row.split(" | "), strict=True):
            rule = free_text_rules(MODEL, mention, weight, NODES)[0]
            assert cell == f"{100 * group_accuracies(MODEL, rule)[1]:.1f} ({spurious_reliance(rule):.2f})"


def test_any_function_is_the_bayes_classifier_for_a_prompt_that_is_a_caption():
    for mention in (0.1, 0.9):
        found = unrestricted_of(UNROUND, Caption("label-attribute", 1.0, mention), "label")
        np.testing.assert_allclose(found, bayes_accuracies(UNROUND), atol=1e-10)


@pytest.mark.parametrize("kind", ["latent", "label-attribute"])
def test_any_function_is_right_as_often_as_mutual_information_counted(kind):
    """S13's function on 50,000 images; of words, the mean over the class's captions. Bilinear critics are rejected."""
    caption = Caption(kind, 1.0, 0.6)
    critic = infonce_critic(UNROUND, caption, 0.5, NODES)

    sample = draw_in_plane(UNROUND, 50_000, caption, 241)

    @jit
    def margins_of(images):
        def information(place):
            at = jnp.broadcast_to(jnp.asarray(place), images.shape)
            return pointwise_mutual_information(UNROUND, caption, images, at)

        if kind == "latent":
            prompt = jnp.array([UNROUND.mu_inv, 0.6 * UNROUND.agreement * UNROUND.mu_spu])
            return information(prompt) - information(-prompt)
        said = shares(0.6)[:3] * 2
        return sum(
            share * (information(place) - information(-place)) for share, place in zip(said, SAYINGS, strict=True)
        )

    is_right = np.where(np.asarray(margins_of(sample.images)) * sample.labels > 0, 1.0, 0.0)
    aligned = sample.labels == sample.attributes
    expected = unrestricted_of(UNROUND, caption, "class-mean")
    sizes = jnp.asarray(UNROUND.latent_mean) if kind == "latent" else jnp.ones(2)
    bilinear = group_accuracies(UNROUND, critic @ (sizes * jnp.array([1.0, 0.6 * UNROUND.agreement])))
    for group, chosen in enumerate((aligned, ~aligned)):
        assert agree(is_right[chosen], expected[group])
    assert not agree(is_right[~aligned], bilinear[1])


def test_false_position_finds_zeros():
    for sign in (1.0, -1.0):
        found = false_position(lambda x, sign=sign: sign * (x**3 - 0.5), 0.0, 2.0)
        np.testing.assert_allclose(found, 0.5 ** (1 / 3), rtol=1e-8)  # a step of 1e-9 is its last
    assert np.isnan(false_position(lambda x: x + 1.0, 0.0, 2.0))
    assert np.isnan(false_position(lambda x: jnp.log(x - 1.0), 0.0, 3.0))


def test_refuses_other_names():
    for arguments, word in (
        (("bayes", "latent", "label"), "learner"),
        (("siglip", "label", "label"), "caption"),
        (("siglip", "latent", "best"), "prompt"),
    ):
        with pytest.raises(ParameterError, match=word):
            critical_share(MODEL, *arguments)
    with pytest.raises(ParameterError, match="prompt"):
        unrestricted_accuracies(MODEL, Caption(), "mixture:0.5")


@pytest.mark.slow
def test_vmaps_differentiates_and_bears_single_precision():
    def reliance(mention):
        return spurious_reliance(free_text_rules(UNROUND, mention, 0.5, NODES)[0])

    values, rates = jax.jit(jax.vmap(jax.value_and_grad(reliance)))(jnp.array([0.3, 0.301]))
    np.testing.assert_allclose(values[1] - values[0], 1e-3 * rates.mean(), rtol=1e-5)
    with jax.enable_x64(False):
        single = free_text_rules(UNROUND, jnp.float32(0.3), jnp.float32(0.5), NODES)
    np.testing.assert_allclose(spurious_reliance(single[0]), values[0], rtol=1e-3)


def test_the_simulations_loss_is_that_of_a_batch():
    """Captions that say the same are counted once in place of one by one: the same loss to rounding."""
    model = silent_captions.MODEL

    @jax.jit
    def both(key):
        bases_key, pairs_key, weights_key = jax.random.split(key, 3)
        bases = sample_bases(bases_key, model.image_dim, model.text_dim)
        batch = sample_pairs(pairs_key, model, bases, Caption("label-attribute", 1.0, 0.5), 50)
        encoders = initial_encoders(weights_key, model, (3, 4))
        return infonce_on_words(encoders, batch, bases.text), infonce(encoders, batch)

    counted, one_by_one = both(seeds.key(242))
    np.testing.assert_allclose(counted, one_by_one, rtol=1e-12)


@pytest.mark.slow
def test_a_two_layer_text_encoder_ends_at_the_free_one():
    """4 trainings of 16 hidden units each, linear images; the bilinear optimum is rejected."""
    keys = jax.random.split(seeds.key(243), 4)
    found = np.asarray(
        jax.jit(jax.vmap(lambda key: silent_captions.conflicting_accuracy(key, 0.5, (0, silent_captions.HIDDEN))))(keys)
    )
    model = silent_captions.MODEL
    free = float(group_accuracies(model, free_text_rules(model, 0.5, 0.5, NODES)[0])[1])
    linear = infonce_critic(model, Caption("label-attribute", 1.0, 0.5), 0.5, NODES)[:, 0]
    # 4 runs can agree by chance; a step size above 0, 1500 steps and batches of 512 leave a point or so.
    critical = CRITICAL * max(found.std(ddof=1), 0.005) / 2 + 0.01
    assert abs(found.mean() - free) < critical < abs(found.mean() - float(group_accuracies(model, linear)[1]))
