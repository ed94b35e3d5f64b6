"""S17: mixtures of prompts, and the prompt that is best for the worse group."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from tests.theorems.monte_carlo import CRITICAL, UNROUND, draw_in_plane, z_scores
from theory import Caption, best_prompt, best_share, contrastive_critic, group_accuracies, mixed_prompt
from theory.names import share_of

pytestmark = pytest.mark.statement("S17")

LATENT = Caption()
LEARNERS = ("linearized", "infonce_bilinear", "siglip")


def worst(model, rule):
    return jnp.min(group_accuracies(model, rule)[:2])


@jax.jit
def worst_of_mixtures(critic, shares):
    return jax.vmap(lambda share: worst(UNROUND, critic @ mixed_prompt(UNROUND, share)))(shares)


@functools.cache
def critic_of(learner):
    return contrastive_critic(learner, UNROUND, LATENT)


@pytest.mark.parametrize("learner", LEARNERS)
def test_no_other_prompt_is_better_for_the_worse_group(learner):
    critic = critic_of(learner)
    angles = jnp.linspace(-jnp.pi, jnp.pi, 3601)
    prompts = jnp.stack([jnp.cos(angles), jnp.sin(angles)], axis=1)
    others = jax.jit(jax.vmap(lambda prompt: worst(UNROUND, critic @ prompt)))(prompts)
    best = worst(UNROUND, critic @ best_prompt(critic))
    np.testing.assert_allclose(best, norm.cdf(UNROUND.mu_inv / np.sqrt(UNROUND.image_variance[0])), rtol=1e-12)
    assert float(best) >= float(jnp.max(others))
    # The grid's best lies within half a step of 0.1 degrees of it.
    nearest = prompts[int(jnp.argmax(others))]
    assert abs(float(jnp.sum(nearest * best_prompt(critic)))) > np.cos(np.deg2rad(0.06))


@pytest.mark.parametrize("learner", LEARNERS)
def test_best_share_is_found_by_brute_force(learner):
    critic = critic_of(learner)
    shares = jnp.linspace(-2.0, 2.0, 4001)
    accuracies = worst_of_mixtures(critic, shares)
    share = float(best_share(UNROUND, critic))
    assert abs(float(shares[int(jnp.argmax(accuracies))]) - share) <= 1.1e-3  # the grid's step
    assert (share < 0) == (learner == "linearized")
    assert (0 < share < 1) == (learner != "linearized")


def test_best_share_of_the_linearised_learner_does_not_see_the_ratio():
    expected = -UNROUND.mu_inv / (UNROUND.mu_spu**2 + UNROUND.sigma_spu**2 - UNROUND.mu_inv * (1 - UNROUND.mu_inv))
    for ratio in (0.55, 0.75, 0.99):
        model = dataclasses.replace(UNROUND, spurious_ratio=ratio)
        share = best_share(model, contrastive_critic("linearized", model, LATENT))
        np.testing.assert_allclose(share, expected, rtol=1e-12)


def test_of_the_mixtures_in_between_the_label_prompt_is_best_for_the_linearised_learner():
    critic = contrastive_critic("linearized", UNROUND, LATENT)
    shares = jnp.linspace(0.0, 1.0, 50)
    accuracies = worst_of_mixtures(critic, shares)
    assert np.all(np.diff(accuracies) < 0)


def test_captions_second_moments_are_enough_to_find_it():
    """From captions alone, without labels or groups: the rule of the whitened label prompt does not lean on average."""
    model = dataclasses.replace(UNROUND, sigma_xi=0.8)

    sample = draw_in_plane(model, 50 * 20_000, seed=3).batches(50)
    seconds = np.swapaxes(sample.texts, 1, 2) @ sample.texts / 20_000
    learned = np.swapaxes(sample.images, 1, 2) @ sample.texts

    def leaning(known_noise):
        prompts = np.linalg.solve(seconds - known_noise * np.eye(2), np.array([[1.0], [0.0]]))
        rules = (learned @ prompts)[:, :, 0]
        return rules[:, 1] / rules[:, 0]

    right, wrong = leaning(model.text_noise_variance), leaning(0.0)
    # A ratio's bias is of order 1 / 20,000, a hundredth of the standard error of 50 runs.
    assert abs(z_scores(right, 0.0)) < CRITICAL
    assert abs(z_scores(wrong, 0.0)) > CRITICAL  # text noise not subtracted


def test_captions_alone_are_enough_to_find_it():
    """The noise too is estimated from captions: the mean of the second moment's small eigenvalues, all but two.

    Used: the label prompt's text and the captions. Not used: the noise, the captions' bases, labels, groups.
    """
    model = dataclasses.replace(UNROUND, sigma_xi=0.8)

    estimates = (
        lambda values: values[:-2].mean(),  # as the page says
        lambda values: 0.0,  # text noise not subtracted
        np.mean,  # the signal's directions counted as noise
        lambda values: values[:-2].sum(),  # the noise of all directions together
    )

    def leanings(images, texts):
        values, vectors = np.linalg.eigh(texts.T @ texts / len(texts))
        plane = vectors[:, -2:]
        learned = images.T @ texts
        # The label prompt's text is the first direction.
        rules = [learned @ plane @ (plane[0] / (values[-2:] - of(values))) for of in estimates]
        return [rule[1] / rule[0] for rule in rules]

    sample = draw_in_plane(model, 50 * 20_000, seed=4, dims=(2, model.text_dim)).batches(50)
    found = [leanings(*pairs) for pairs in zip(sample.images, sample.texts, strict=True)]
    scores = np.abs(z_scores(found, 0.0))
    # The bias of estimated eigenvectors is of order 7 / 20,000, a tenth of the standard error of 50 runs.
    assert scores[0] < CRITICAL
    assert min(scores[1:]) > CRITICAL


def test_label_captions_leave_no_choice():
    critic = contrastive_critic("infonce_bilinear", UNROUND, Caption("label"))
    assert not np.all(np.isfinite(best_prompt(critic)))
    rules = [critic @ mixed_prompt(UNROUND, share, Caption("label")) for share in (0.0, 0.5, 1.0)]
    for rule in rules[1:]:
        np.testing.assert_allclose(rule, rules[0], rtol=1e-12)


def test_names():
    assert [share_of(name) for name in ("label", "class-mean", "mixture:0.25", "best")] == [0.0, 1.0, 0.25, None]


def test_vmaps_and_differentiates():
    def share(mu_spu):
        model = dataclasses.replace(UNROUND, mu_spu=mu_spu)
        return best_share(model, contrastive_critic("linearized", model, LATENT))

    shares, compiled = jax.jit(jax.vmap(share))(jnp.array([0.8, 1.2])), jax.jit(jax.value_and_grad(share))
    np.testing.assert_allclose(shares, [compiled(0.8)[0], compiled(1.2)[0]], rtol=1e-12)
    assert np.isfinite(compiled(1.1)[1])
    slope = jax.jit(jax.grad(lambda share: worst(UNROUND, mixed_prompt(UNROUND, share))))(0.4)
    assert np.isfinite(slope)
