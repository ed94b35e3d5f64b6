"""S17: mixtures of prompts, and the prompt that is best for the worse group."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from sims.synthetic.sampler import sample_bases, sample_batch
from tests import seeds
from tests.theorems.monte_carlo import CRITICAL, UNROUND, z_scores
from theory import Caption, best_prompt, best_share, contrastive_critic, group_accuracies, mixed_prompt
from theory.statements.prompts import share_of

pytestmark = pytest.mark.statement("S17")

LATENT = Caption()
LEARNERS = ("linearized", "infonce_bilinear", "siglip")


def worst(model, rule):
    return jnp.min(group_accuracies(model, rule)[:2])


@pytest.mark.parametrize("learner", LEARNERS)
def test_no_other_prompt_is_better_for_the_worse_group(learner):
    critic = contrastive_critic(learner, UNROUND, LATENT)
    angles = jnp.linspace(-jnp.pi, jnp.pi, 3601)
    prompts = jnp.stack([jnp.cos(angles), jnp.sin(angles)], axis=1)
    others = jax.vmap(lambda prompt: worst(UNROUND, critic @ prompt))(prompts)
    best = worst(UNROUND, critic @ best_prompt(critic))
    np.testing.assert_allclose(best, norm.cdf(UNROUND.mu_inv / np.sqrt(UNROUND.image_variance[0])), rtol=1e-12)
    assert float(best) >= float(jnp.max(others))
    # The grid's best lies within half a step of 0.1 degrees of it.
    nearest = prompts[int(jnp.argmax(others))]
    assert abs(float(jnp.sum(nearest * best_prompt(critic)))) > np.cos(np.deg2rad(0.06))


@pytest.mark.parametrize("learner", LEARNERS)
def test_best_share_is_found_by_brute_force(learner):
    critic = contrastive_critic(learner, UNROUND, LATENT)
    shares = jnp.linspace(-2.0, 2.0, 4001)
    accuracies = jax.vmap(lambda share: worst(UNROUND, critic @ mixed_prompt(UNROUND, share)))(shares)
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
    accuracies = jax.vmap(lambda share: worst(UNROUND, critic @ mixed_prompt(UNROUND, share)))(shares)
    assert np.all(np.diff(accuracies) < 0)


def test_captions_second_moments_are_enough_to_find_it():
    """From captions alone, without labels or groups: the rule of the whitened label prompt does not lean on average."""
    model = dataclasses.replace(UNROUND, sigma_xi=0.8)

    def leaning(key, known_noise):
        bases_key, batch_key = jax.random.split(key)
        bases = sample_bases(bases_key, model.image_dim, model.text_dim)
        batch = sample_batch(batch_key, model, bases, 20_000)
        in_plane = batch.texts @ bases.text
        second = in_plane.T @ in_plane / len(in_plane) - known_noise * jnp.eye(2)
        prompt = bases.text @ jnp.linalg.solve(second, jnp.array([1.0, 0.0]))
        rule = bases.image.T @ (batch.images.T @ (batch.texts @ prompt))
        return rule[1] / rule[0]

    keys = jax.random.split(seeds.key(3), 50)
    noise = model.text_noise_variance
    right = jax.jit(jax.vmap(lambda key: leaning(key, noise)))(keys)
    wrong = jax.jit(jax.vmap(lambda key: leaning(key, 0.0)))(keys)
    # A ratio's bias is of order 1 / 20,000, a hundredth of the standard error of 50 runs.
    assert abs(z_scores(right, 0.0)) < CRITICAL
    assert abs(z_scores(wrong, 0.0)) > CRITICAL  # text noise not subtracted


def test_captions_alone_are_enough_to_find_it():
    """The noise too is estimated from captions: the mean of the second moment's small eigenvalues, all but two.

    Used: the label prompt's text and the captions. Not used: the noise, the captions' bases, labels, groups.
    """
    model = dataclasses.replace(UNROUND, sigma_xi=0.8)

    estimates = (
        lambda values: jnp.mean(values[:-2]),  # as the page says
        lambda values: jnp.zeros(()),  # text noise not subtracted
        jnp.mean,  # the signal's directions counted as noise
        lambda values: jnp.sum(values[:-2]),  # the noise of all directions together
    )

    def leanings(key):
        bases_key, batch_key = jax.random.split(key)
        bases = sample_bases(bases_key, model.image_dim, model.text_dim)
        batch = sample_batch(batch_key, model, bases, 20_000)
        label_text = bases.text[:, 0]
        values, vectors = jnp.linalg.eigh(batch.texts.T @ batch.texts / len(batch.texts))
        plane = vectors[:, -2:]
        learned = bases.image.T @ batch.images.T @ batch.texts
        rules = [learned @ plane @ ((plane.T @ label_text) / (values[-2:] - of(values))) for of in estimates]
        return jnp.stack([rule[1] / rule[0] for rule in rules])

    scores = np.abs(z_scores(jax.jit(jax.vmap(leanings))(jax.random.split(seeds.key(4), 50)), 0.0))
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

    shares = jax.vmap(share)(jnp.array([0.8, 1.2]))
    np.testing.assert_allclose(shares, [share(0.8), share(1.2)], rtol=1e-12)
    assert np.isfinite(jax.grad(share)(1.1))
    slope = jax.grad(lambda share: worst(UNROUND, mixed_prompt(UNROUND, share)))(0.4)
    assert np.isfinite(slope)
