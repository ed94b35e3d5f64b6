"""S30: what zero-shot repairs do to a rule, from prompts alone."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal

import theory
from sims.synthetic.sampler import sample_bases, sample_batch
from tests import seeds
from tests.theorems.monte_carlo import CRITICAL, UNROUND
from theory import Caption, contrastive_critic, group_accuracies, repairs
from theory.names import REPAIRS
from theory.statements.captions import class_mean_caption
from theory.statements.repairs import (
    balanced_gram,
    best_weight,
    caption_moments,
    constant_of,
    largest_helpful_weight,
    mean_length,
    pair_lengths,
    reliance_slope,
    repaired_prompt,
    tie_accuracies,
)
from workbench.compilation import jit

pytestmark = pytest.mark.statement("S30")

LATENT = Caption("latent", 0.9, 0.7)
LINEAR = tuple(name for name in REPAIRS if name != "tie")
# No symmetric matrix, since for one Q = B and several formulas agree.
CRITIC = jnp.array([[1.3, 0.25], [0.7, 1.9]])
GRAMS = [jnp.array([[1.1, 0.45], [0.45, 2.3]]), jnp.array([[2.0, -0.8], [-0.8, 0.9]])]


def embed(gram, unit_length, rows):
    """Rows of latent prompts, embedded so that their inner products are Q's."""
    embedded = jnp.asarray(rows, float) @ jnp.linalg.cholesky(gram)
    return repairs.to_unit_length(embedded) if unit_length else embedded


def rule_of(repair, constant, gram, unit_length):
    """The rule that a repair of `theory.repairs` makes of the prompts' embeddings, for images embedded along with Q."""
    root = jnp.linalg.cholesky(gram)  # embeds a row of text
    to_image = CRITIC @ jnp.linalg.inv(root).T  # embeds a row of the image, so that scores are u^T B t
    signs = jnp.array([[-1.0], [1.0]])
    prompts, backgrounds = (embed(gram, unit_length, signs * jnp.array([row])) for row in ([1.0, 0.0], [0.0, 1.0]))
    pairs = jnp.stack([embed(gram, unit_length, [[y, -1.0], [y, 1.0]]) for y in (-1.0, 1.0)])
    if repair == "perception":
        # For all images of a circle: where the scores of the classes are equal is where the rule is 0.
        angles = jnp.linspace(0.0, 2.0 * jnp.pi, 40)
        images = jnp.stack([jnp.cos(angles), jnp.sin(angles)], axis=1)
        scores = repairs.perceive(images @ to_image, pairs, 3.0)
        odds = scores[:, 1] - scores[:, 0]
        rule, *_ = jnp.linalg.lstsq(images, odds)
        np.testing.assert_allclose(images @ rule, odds, atol=1e-10)  # it is linear, and not in sign alone
        return rule
    if repair == "projection":
        prompts = repairs.project(prompts, backgrounds)
    elif repair == "calibrated":
        prompts = repairs.calibrate(prompts, backgrounds, pairs, constant)
    elif repair == "roboshot":
        # Images are rejected; what the rule sees of them is linear but for their length.
        units = jnp.eye(2) @ to_image
        kept = units - (repairs.basis_of(backgrounds[1:]) @ units.T).T @ repairs.basis_of(backgrounds[1:])
        return kept @ prompts[1]
    elif repair == "subtract":
        prompts = repairs.subtract(prompts, backgrounds, constant)
    elif repair == "mixture":
        means = embed(gram, unit_length, signs * class_mean_caption(UNROUND, LATENT)[None, :])
        prompts = repairs.mix(prompts, means, constant)
    elif repair == "whitened":
        covariance = root.T @ caption_moments(UNROUND, LATENT) @ root
        prompts = repairs.whiten(prompts, covariance, constant)
    return to_image @ prompts[1]


@pytest.mark.parametrize("unit_length", [False, True], ids=["inner products", "unit length"])
@pytest.mark.parametrize("repair", LINEAR)
def test_the_rule_of_a_repair_is_that_of_its_weight(repair, unit_length):
    for gram in GRAMS:
        for constant in (0.3, 0.8) if REPAIRS[repair] is not None else (0.0,):
            ours = CRITIC @ repaired_prompt(UNROUND, gram, repair, constant, LATENT, unit_length)
            found = rule_of(repair, constant, gram, unit_length)
            unit = lambda rule: np.asarray(rule / jnp.linalg.norm(rule))  # noqa: E731
            np.testing.assert_allclose(unit(found), unit(ours), atol=1e-9)
            # Another Q is another rule, but for the repairs that do not read it.
            other = CRITIC @ repaired_prompt(UNROUND, gram + jnp.diag(jnp.array([0.3, 0.0])), repair, constant, LATENT)
            if repair in ("projection", "roboshot", "calibrated") and not unit_length:
                np.testing.assert_allclose(unit(other), unit(ours), atol=1e-12)  # Q_11 does not matter


def test_lambda_does_not_matter_for_two_classes_and_one_axis_but_does_otherwise():
    for gram in GRAMS:
        rules = [np.asarray(rule_of("calibrated", strength, gram, True)) for strength in (0.0, 1.0, 1000.0)]
        for rule in rules[1:]:
            cosine = rule @ rules[0] / np.linalg.norm(rule) / np.linalg.norm(rules[0])
            np.testing.assert_allclose(cosine, 1.0, atol=1e-9)  # not -1 either
    # A third direction, such as another property of the background, ends it.
    drawn = np.random.default_rng(3)
    prompts, backgrounds = jnp.asarray(drawn.normal(size=(2, 6))), jnp.asarray(drawn.normal(size=(1, 6)))
    pairs = jnp.asarray(drawn.normal(size=(2, 3, 6)))
    both = [np.asarray(repairs.calibrate(prompts, backgrounds, pairs, strength)[0]) for strength in (0.0, 10.0)]
    assert both[0] @ both[1] / np.linalg.norm(both[0]) / np.linalg.norm(both[1]) < 0.99


def test_dividing_by_the_length_changes_no_decision_of_roboshot():
    drawn = np.random.default_rng(5)
    images, prompts, harmful = (jnp.asarray(drawn.normal(size=size)) for size in ((500, 12), (7, 12), (3, 12)))
    divided = repairs.reject(images, harmful) @ prompts.T
    whole = repairs.project(images, harmful) @ prompts.T
    np.testing.assert_array_equal(jnp.argmax(divided, axis=1), jnp.argmax(whole, axis=1))
    # It is the projection of the prompts, too: the projector is symmetric.
    np.testing.assert_allclose(whole, images @ repairs.project(prompts, harmful).T, atol=1e-12)


@pytest.mark.parametrize("critic", [CRITIC, jnp.array([[1.0, -0.1], [-0.3, 1.2]])], ids=["leans on", "leans against"])
def test_a_weight_helps_the_worse_group_up_to_the_largest_helpful_one(critic):
    weights = jnp.linspace(0.0, 1.2, 1201)
    worst = lambda weight: jnp.min(group_accuracies(UNROUND, critic @ jnp.stack([1.0, -weight]))[:2])  # noqa: E731
    accuracies = np.asarray(jax.jit(jax.vmap(worst))(weights))
    helps = accuracies > accuracies[0]
    largest = float(largest_helpful_weight(critic))
    if critic[1, 0] < 0:
        assert not helps.any()
        return
    np.testing.assert_array_equal(helps, (np.asarray(weights) > 0) & (np.asarray(weights) < largest))
    assert 0 < largest < 1.2
    # The best weight is not half of it: reliance is no linear function of the weight.
    assert abs(float(weights[np.argmax(accuracies)]) - float(best_weight(critic))) < 1.1e-3  # the grid's step
    assert abs(largest / 2 - float(best_weight(critic))) > 2e-3
    reliance = lambda weight: (critic[1] @ jnp.stack([1.0, -weight])) / (critic[0] @ jnp.stack([1.0, -weight]))  # noqa: E731
    np.testing.assert_allclose(jax.grad(reliance)(0.2), reliance_slope(critic, 0.2), rtol=1e-12)


def exact_tie(model, critic, gram):
    """The two half-spaces by SciPy's bivariate normal distribution, in each group."""
    rule, background = np.asarray(critic[:, 0]), np.asarray(critic[:, 1]) / np.sqrt(float(gram[1, 1]))
    shift = float(mean_length(model, jnp.asarray(background))) * float(gram[0, 1]) / np.sqrt(float(gram[1, 1]))
    both = np.stack([rule, background])
    covariance = both @ np.diag(np.asarray(model.image_variance)) @ both.T
    found = []
    for sign in (1.0, -1.0):
        mean = both @ (np.asarray(model.latent_mean) * [1.0, sign])
        flipped = multivariate_normal(-mean, covariance)
        turned = multivariate_normal(mean * [-1, 1], covariance * [[1, -1], [-1, 1]])
        # P(X > k, Y > 0) + P(X > -k, Y < 0), as distribution functions of -(X, Y) and of (-X, Y).
        found.append(flipped.cdf([-shift, 0.0]) + turned.cdf([shift, 0.0]))
    return found


@pytest.mark.parametrize("gram", GRAMS, ids=["together", "apart"])
def test_tie_is_two_half_spaces(gram):
    found = tie_accuracies(UNROUND, CRITIC, gram)
    np.testing.assert_allclose(found[:2], exact_tie(UNROUND, CRITIC, gram), atol=1e-7)  # SciPy's own tolerance is 1e-8


def test_tie_simulated_and_plausible_mistakes_rejected():
    """Images are embedded by encoders whose prompts have the inner products Q, turned at random, and TIE is applied."""
    gram, size = jnp.array([[2.0, 1.2], [1.2, 1.5]]), 150_000  # the nearest mistake is 10 standard errors off

    @jit
    def simulate(key):
        keys = jax.random.split(key, 4)
        bases = sample_bases(keys[0], UNROUND.image_dim, UNROUND.text_dim)
        angle = jax.random.uniform(keys[1], maxval=2.0 * jnp.pi)
        cosine, sine = jnp.cos(angle), jnp.sin(angle)
        text = jnp.linalg.cholesky(gram) @ jnp.stack([jnp.stack([cosine, -sine]), jnp.stack([sine, cosine])])
        image = bases.image @ CRITIC @ jnp.linalg.inv(text).T
        unlabelled = sample_batch(keys[2], UNROUND, bases, size).images @ image
        test = sample_batch(keys[3], UNROUND, bases, 2 * size, jnp.repeat(jnp.array([1.0, 0.0]), size))
        prompts, backgrounds = jnp.stack([-text[0], text[0]]), jnp.stack([-text[1], text[1]])
        moved = repairs.translate(test.images @ image, backgrounds, repairs.shifts_of(unlabelled, backgrounds))
        right = (moved @ (prompts[1] - prompts[0])) * test.labels > 0
        return jnp.mean(right.reshape(2, size), axis=1)

    right = np.asarray(simulate(seeds.key(30)))

    def rejected(expected):
        expected = np.asarray(expected)[:2]
        # The constant is estimated too: its error moves an accuracy by less than that of the test images.
        return bool(np.any(np.abs(right - expected) > CRITICAL * np.sqrt(2 * expected * (1 - expected) / size)))

    assert not rejected(tie_accuracies(UNROUND, CRITIC, gram))
    wrong = {
        "no translation": group_accuracies(UNROUND, CRITIC[:, 0]),
        "a projection": group_accuracies(UNROUND, CRITIC @ jnp.stack([1.0, -gram[0, 1] / gram[1, 1]])),
        "the constant of another ratio": tie_accuracies(dataclasses.replace(UNROUND, spurious_ratio=0.5), CRITIC, gram),
        "the wrong Q": tie_accuracies(UNROUND, CRITIC, balanced_gram(CRITIC)),
    }
    assert all(rejected(expected) for expected in wrong.values()), [name for name in wrong if not rejected(wrong[name])]


def test_perception_of_unit_length_is_a_subtraction():
    for gram in GRAMS:
        own, other = pair_lengths(gram)
        lengths = jnp.sqrt(jnp.diag(gram))
        same = repaired_prompt(UNROUND, gram, "subtract", (own - other) / (own + other), LATENT)
        perceived = repaired_prompt(UNROUND, gram, "perception", 0.0, LATENT, unit_length=True)
        np.testing.assert_allclose(perceived, same, rtol=1e-12)
        # Half of the projection's weight at most times the ratio of the lengths, and of its sign.
        projected = gram[0, 1] / gram[1, 1]
        assert 0 < -perceived[1] / projected < float(lengths[1] / jnp.min(lengths))


def test_gradient_flow_from_small_weights_ends_balanced_and_from_large_ones_not():
    """Descent of the linearised loss, whose critic goes to K, for a K that is not symmetric."""

    def grams(size):
        key = seeds.key(31)
        image, text = size * jax.random.normal(key, (2, 4, 2))
        image, text = image.T, text.T  # W_I^T and W_T^T, rows are directions of the plane

        def step(_, weights):
            image, text = weights
            left = CRITIC - image @ text.T
            return image + 0.02 * left @ text, text + 0.02 * left.T @ image

        image, text = jax.lax.fori_loop(0, 4000, step, (image, text))
        np.testing.assert_allclose(image @ text.T, CRITIC, atol=1e-6)
        return text @ text.T

    wanted = np.asarray(balanced_gram(CRITIC))
    # What is conserved is of order size^2 = 1e-6.
    np.testing.assert_allclose(grams(1e-3), wanted, atol=1e-4)
    assert np.abs(grams(1.0) - wanted).max() > 0.1
    square = balanced_gram(CRITIC) @ balanced_gram(CRITIC)
    np.testing.assert_allclose(square, CRITIC.T @ CRITIC, rtol=1e-12)


@pytest.mark.parametrize("learner", ["linearized", "siglip"])
def test_projection_is_the_best_prompt_where_encoders_are_balanced_and_the_critic_symmetric(learner):
    same_noise = dataclasses.replace(UNROUND, text_dim=UNROUND.image_dim)
    critic = contrastive_critic(learner, same_noise, Caption())
    prompt = repaired_prompt(same_noise, balanced_gram(critic), "projection", 0.0, Caption())
    assert (float(critic[1, 0]) > 0) == (learner == "linearized")  # one leans on the background, the other against it
    np.testing.assert_allclose(prompt[1], -best_weight(critic), rtol=1e-9)


def test_the_front_door_gives_the_best_prompt_and_labels_the_same():
    same_noise = dataclasses.replace(UNROUND, text_dim=UNROUND.image_dim)
    best = theory.accuracy(same_noise, "linearized", prompt="best")
    for repair in ("projection", "balanced_probe"):  # labels of groups give no other rule (S25)
        np.testing.assert_allclose(theory.repair(same_noise, "linearized", repair), best, rtol=1e-12)
    # With words for captions the critic is not symmetric, and something is left.
    words = theory.repair(same_noise, "linearized", "projection", caption="label-attribute")
    assert abs(float(words.aligned - words.conflicting)) > 0.03
    probe = theory.repair(same_noise, "linearized", "probe")
    np.testing.assert_allclose(probe, theory.accuracy(same_noise, "logistic"), rtol=1e-12)


@pytest.mark.slow
def test_repair_is_compiled_mapped_and_differentiated_in_both_precisions():
    def conflicting(ratio):
        model = dataclasses.replace(UNROUND, spurious_ratio=ratio)
        return theory.repair(model, "linearized", "tie").conflicting

    step = 1e-4
    ratios = np.array([0.8 - step, 0.8, 0.8 + step])
    double, slopes = jax.jit(jax.vmap(jax.value_and_grad(conflicting)))(jnp.asarray(ratios))
    near = (double[2] - double[0]) / (2 * step)
    np.testing.assert_allclose(slopes[1], near, atol=1e-5)  # its own error is of order step^2
    with jax.enable_x64(False):
        single = jax.jit(jax.vmap(conflicting))(jnp.asarray(ratios, jnp.float32))
        assert single.dtype == jnp.float32
        np.testing.assert_allclose(single, np.asarray(double), atol=2e-4)  # four digits, as `theory.accuracy`


def test_what_has_no_answer_is_refused_or_not_a_number():
    assert np.isnan(theory.repair(UNROUND, "linearized", "projection", caption="label").aligned)
    plain = theory.accuracy(UNROUND, "linearized", caption="label")
    np.testing.assert_allclose(theory.repair(UNROUND, "linearized", "perception", caption="label"), plain, rtol=1e-12)
    for arguments in (("bayes", "tie"), ("nclip", "tie"), ("linearized", "magic")):
        with pytest.raises(theory.model.ParameterError):
            theory.repair(UNROUND, *arguments)
    with pytest.raises(theory.model.ParameterError, match="which has none"):
        theory.repair(UNROUND, "linearized", "tie", constant=1.0)
    assert constant_of("subtract") == 0.5 and constant_of("tie") == 0.0
