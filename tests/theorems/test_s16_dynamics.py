"""S16: growth of the singular directions under gradient descent, the phases, and how long InfoNCE follows."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from sims.encoders import Architecture
from sims.models import DualEncoder
from sims.objectives.linearized import linearized_loss
from sims.objectives.siglip import SiglipEncoder, siglip_loss
from sims.synthetic.sampler import Batch, sample_bases, sample_batch
from tests import seeds
from tests.theorems.monte_carlo import UNROUND
from theory import Caption, cross_covariance, group_accuracies, infonce_critic, latent_covariance, zero_shot_direction
from theory.mixtures import pairs_of
from theory.statements.dynamics import (
    following_time,
    gradient_slope_bound,
    gram,
    half_time,
    leading_reliance,
    singular_growth,
)
from theory.statements.infonce import infonce_objective

pytestmark = pytest.mark.statement("S16")


def balanced_start(model, embed_dim, size, seed=0):
    """Z_0 with W_I W_I^T = W_T W_T^T: two random orthonormal frames times one square factor."""
    keys = jax.random.split(seeds.key(seed), 3)
    frames = [
        jax.random.orthogonal(key, model.image_dim if i == 0 else model.text_dim) for i, key in enumerate(keys[:2])
    ]
    factor = size * jax.random.normal(keys[2], (embed_dim, embed_dim))
    return jnp.concatenate([frame[:, :embed_dim] @ factor for frame in frames])


@pytest.fixture(scope="module")
def data():
    bases = sample_bases(seeds.key(1), UNROUND.image_dim, UNROUND.text_dim)
    batch = sample_batch(seeds.key(2), UNROUND, bases, 400)
    centred = [part - jnp.mean(part, axis=0)[None, :] for part in (batch.images, batch.texts)]
    return batch, centred[0].T @ centred[1] / 399


def test_gradient_descent_on_the_real_loss_follows_the_closed_form(data):
    """Small steps on the encoders' weights, from a balanced random start; Euler's error is first order."""
    batch, covariance = data
    start, time = balanced_start(UNROUND, 3, 0.05), 1.3
    model = DualEncoder(Architecture(UNROUND.image_dim, UNROUND.text_dim, 3), rngs=nnx.Rngs(0))
    graph, state = nnx.split(model)
    names = [leaf.shape[0] for leaf in jax.tree.leaves(state)]
    assert sorted(names) == [UNROUND.image_dim, UNROUND.text_dim]
    parts = {UNROUND.image_dim: start[: UNROUND.image_dim], UNROUND.text_dim: start[UNROUND.image_dim :]}

    def descend(steps):
        def step(_, weights):
            gradients = jax.grad(lambda w: linearized_loss(nnx.merge(graph, w), batch))(weights)
            return jax.tree.map(lambda w, g: w - time / steps * g, weights, gradients)

        final = jax.lax.fori_loop(0, steps, step, jax.tree.map(lambda leaf: parts[leaf.shape[0]], state))
        model = nnx.merge(graph, final)
        return model.image_encoder.kernel[...] @ model.text_encoder.kernel[...].T

    exact = gram(covariance, start, time)[: UNROUND.image_dim, UNROUND.image_dim :]
    errors = [jax.jit(descend)(steps) - exact for steps in (1000, 4000, 16_000)]
    coarse, fine, _ = map(np.linalg.norm, errors)
    np.testing.assert_allclose(coarse / fine, 4.0, rtol=0.05)

    # What is of first order falls out of the extrapolation to steps of no length; what is left is of second order, and
    # would not shrink if the closed form were off.
    def shrinks(offset):
        """How much less two finer trainings leave than two coarser ones, for a closed form that is off by so much."""
        left = [np.linalg.norm(4.0 * finer - coarser - 3.0 * offset) for coarser, finer in itertools.pairwise(errors)]
        return left[0] / left[1]

    np.testing.assert_allclose(shrinks(0.0), 16.0, rtol=0.05)
    for wrong in (gram(covariance, start, 0.5 * time), gram(covariance, start, time, 0.0)):  # half the rate; no penalty
        assert shrinks(wrong[: UNROUND.image_dim, UNROUND.image_dim :] - exact) < 2.0


def test_along_the_singular_vectors_the_growth_is_logistic(data):
    _, covariance = data
    left, singular, right = jnp.linalg.svd(covariance, full_matrices=False)
    start = jnp.array([0.01, 0.02, 0.005])
    weights = jnp.concatenate([left[:, :3], right[:3].T]) * jnp.sqrt(start)[None, :]
    for time in (0.3, 1.0, 2.5):
        product = gram(covariance, weights, time, 0.7)[: UNROUND.image_dim, UNROUND.image_dim :]
        grown = singular_growth(singular[:3], start, time, 0.7)
        np.testing.assert_allclose(left[:, :3].T @ product @ right[:3].T, jnp.diag(grown), atol=1e-10)
    half = half_time(singular[:1], start[:1], 0.7)
    np.testing.assert_allclose(singular_growth(singular[:1], start[:1], half[0], 0.7), singular[:1] / 1.4, rtol=1e-12)
    np.testing.assert_allclose(gram(covariance, weights, 0.0), weights @ weights.T, atol=1e-12)


def test_prompts_agree_in_the_middle_and_part_at_the_end():
    """From a tiny start: in the middle every prompt has the leading eigenvector's reliance, at the end Lambda q."""
    bases = sample_bases(seeds.key(3), UNROUND.image_dim, UNROUND.text_dim)
    covariance = cross_covariance(UNROUND, bases.image, bases.text)
    singular = jnp.linalg.eigvalsh(latent_covariance(UNROUND))[::-1]
    start = balanced_start(UNROUND, 4, 1e-12)
    times = half_time(singular, jnp.full(2, 1e-24))
    middle, end = float(times[0] + times[1]) / 2, 2 * float(times[1])
    for prompt in ((1.0, 0.0), (0.3, 1.0)):
        prompt = jnp.array(prompt)
        reliances = []
        for time in (middle, end):
            product = gram(covariance, start, time)[: UNROUND.image_dim, UNROUND.image_dim :]
            rule = bases.image.T @ product @ bases.text @ prompt
            reliances.append(float(rule[1] / rule[0]))
        # e^(-2 (c_1 - c_2) t) is left of the second direction in the middle.
        np.testing.assert_allclose(reliances[0], leading_reliance(UNROUND), rtol=1e-3)
        final = latent_covariance(UNROUND) @ prompt
        np.testing.assert_allclose(reliances[1], final[1] / final[0], rtol=1e-6)


def test_leading_reliance_is_that_of_a_narrow_embedding():
    for model in (UNROUND, dataclasses.replace(UNROUND, mu_spu=0.5), dataclasses.replace(UNROUND, sigma_inv=0.2)):
        direction = zero_shot_direction(model, "label", 1)
        np.testing.assert_allclose(leading_reliance(model), direction[1] / direction[0], rtol=1e-9)
        more = model.mu_spu**2 + model.sigma_spu**2 > model.mu_inv**2 + model.sigma_inv**2
        assert (leading_reliance(model) > 1) == more
        assert np.isfinite(group_accuracies(model, direction)).all()


def test_bound_on_infonces_gradient_holds_everywhere():
    for caption in (Caption(), Caption("label"), Caption("label-attribute")):
        pairs, slope = pairs_of(UNROUND, caption), gradient_slope_bound(UNROUND, caption)
        start = infonce_objective(pairs, 0.5, jnp.zeros((2, 2)), 41)
        np.testing.assert_allclose(start.gradient.reshape(2, 2), -pairs.joint_moment, atol=1e-10)
        tightest = 0.0
        for seed in range(30):
            rng = seeds.generator(seed)
            critic = jnp.asarray(rng.normal(size=(2, 2)) * np.exp(rng.uniform(-3, 1)))
            gradient = infonce_objective(pairs, 0.5, critic, 41).gradient.reshape(2, 2)
            ratio = float(jnp.linalg.norm(gradient + pairs.joint_moment) / jnp.linalg.norm(critic))
            tightest = max(tightest, ratio / float(slope))
        assert 0.1 < tightest <= 1.0  # a bound, and not an empty one


def test_bound_on_infonces_gradient_by_hand():
    """Captions that name the class are +-1 in one entry: largest squared length and second moment are both 1."""
    pairs = pairs_of(UNROUND, Caption("label"))
    mean, variance = np.asarray(UNROUND.latent_mean), np.asarray(UNROUND.image_variance)
    second = np.outer(mean, mean) * [[1, UNROUND.agreement], [UNROUND.agreement, 1]] + np.diag(variance)
    largest = variance.max() + np.sum(mean**2)
    assert np.allclose(jnp.max(jnp.abs(pairs.captions.means)), 1.0)
    expected = (1.0 * np.linalg.eigvalsh(second)[-1] + largest * 1.0) / 2
    np.testing.assert_allclose(gradient_slope_bound(UNROUND, Caption("label")), expected, rtol=1e-9)


def test_infonce_leaves_the_linear_flow_no_earlier_than_the_bound():
    """InfoNCE's own gradient flow in the signal's plane, from small weights; the relative deviation reaches 10%."""
    pairs = pairs_of(UNROUND, Caption())
    covariance = pairs.joint_moment
    top = float(jnp.linalg.norm(covariance, ord=2))
    start = jnp.concatenate([jnp.eye(2), jnp.array([[0.6, -0.8], [0.8, 0.6]])]) * 0.01
    start_norm = float(jnp.linalg.norm(start))
    step = 0.002
    flow = jnp.concatenate(
        [jnp.concatenate([jnp.zeros((2, 2)), covariance], 1), jnp.concatenate([covariance.T, jnp.zeros((2, 2))], 1)]
    )

    def advance(carry, _):
        weights, linear = carry
        image, text = weights[:2], weights[2:]
        pull = -infonce_objective(pairs, 0.5, image @ text.T, 33).gradient.reshape(2, 2)
        weights = jnp.concatenate([image + step * pull @ text, text + step * pull.T @ image])
        linear = linear + step * flow @ linear
        return (weights, linear), jnp.stack([jnp.linalg.norm(weights - linear), jnp.linalg.norm(weights)])

    _, (history) = jax.lax.scan(advance, (start, start), None, 1500)
    times = step * np.arange(1, 1501)
    share = np.asarray(history[:, 0]) / (start_norm * np.exp(top * times))
    left = times[np.argmax(share > 0.1)]
    bound = float(following_time(UNROUND, start_norm, 0.1))
    assert share[-1] > 0.1
    assert 0.3 * left < bound <= left
    assert float(following_time(UNROUND, start_norm / 10, 0.1)) > bound + 0.9 * np.log(10) / top
    # Where it ends is not where the linearised loss ends: another critic altogether.
    critic = infonce_critic(UNROUND, Caption())
    assert abs(critic[1, 0] / critic[0, 0] - latent_covariance(UNROUND)[1, 0] / latent_covariance(UNROUND)[0, 0]) > 0.3


def test_siglips_gradient_at_the_start_is_the_covariance_slowed_down(data):
    """Autodiff of the program's own loss at zero similarities: -sigmoid(-b) C_n, batch of n with its own negatives."""
    batch, _ = data
    size, bias = len(batch.images), -2.0

    class Pairwise(SiglipEncoder):
        """A bilinear critic in the place of SigLIP's encoder; the logit at s = 0 is the bias."""

        def __init__(self, critic):
            self.critic = nnx.Param(critic)
            self.log_scale = nnx.Param(jnp.zeros(()))
            self.perfect_logit = nnx.Param(jnp.asarray(bias + 1.0))

        def embed_images(self, images):
            return images @ self.critic[...]

        def embed_texts(self, texts):
            return texts

    centred = Batch(*(part - jnp.mean(part, axis=0)[None, :] for part in batch[:2]), *batch[2:])

    def loss(critic):
        return siglip_loss(Pairwise(critic), centred)

    gradient = jax.grad(loss)(jnp.zeros((UNROUND.image_dim, UNROUND.text_dim)))
    # The negatives' part of the centred batch is minus the positives': all pairs together sum to 0.
    pulled = centred.images.T @ centred.texts / size
    expected = -(jax.nn.sigmoid(-bias) + jax.nn.sigmoid(bias)) * pulled
    np.testing.assert_allclose(gradient, expected, atol=1e-10)


def test_vmaps_and_differentiates():
    times = jnp.array([0.1, 1.0])
    many = jax.vmap(lambda time: singular_growth(jnp.array([2.0, 1.0]), jnp.array([0.01, 0.01]), time))(times)
    assert many.shape == (2, 2)
    slope = jax.grad(lambda mu: leading_reliance(dataclasses.replace(UNROUND, mu_spu=mu)))(1.2)
    assert slope > 0
    assert np.isfinite(jax.grad(lambda mu: following_time(dataclasses.replace(UNROUND, mu_spu=mu), 0.1, 0.1))(1.2))
