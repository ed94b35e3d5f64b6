"""S1: the minimiser of the linearised loss on a finite sample, with the rank limit of a narrow embedding."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from sims.encoders import Architecture
from sims.models import DualEncoder
from sims.objectives.linearized import linearized_loss
from sims.synthetic.sampler import Batch
from tests import seeds
from theory import linearized_minimiser, truncate_rank

pytestmark = pytest.mark.statement("S1")

IMAGE_DIM, TEXT_DIM, SIZE = 5, 4, 9


@pytest.fixture
def batch():
    rng = seeds.generator(3)
    images = rng.normal(size=(SIZE, IMAGE_DIM)) + 0.7
    texts = images @ rng.normal(size=(IMAGE_DIM, TEXT_DIM)) + rng.normal(size=(SIZE, TEXT_DIM))
    return Batch(jnp.asarray(images), jnp.asarray(texts), jnp.ones(SIZE), jnp.ones(SIZE))


gradients_of = nnx.jit(nnx.grad(linearized_loss))


def encoder(image_weights, text_weights):
    """A dual encoder with the given W_I and W_T, of shape (embed_dim, dim)."""
    embed_dim = len(image_weights)
    model = DualEncoder(Architecture(IMAGE_DIM, TEXT_DIM, embed_dim), rngs=nnx.Rngs(0))
    model.image_encoder.kernel[...] = jnp.asarray(image_weights).T
    model.text_encoder.kernel[...] = jnp.asarray(text_weights).T
    return model


def factorised(product, embed_dim):
    left, singular_values, right = np.linalg.svd(np.asarray(product), full_matrices=False)
    root = np.sqrt(singular_values[:embed_dim])[:, None]
    return encoder(root * left.T[:embed_dim], root * right[:embed_dim])


def sample_covariance(batch):
    return np.cov(batch.images, batch.texts, rowvar=False)[:IMAGE_DIM, IMAGE_DIM:]


def test_loss_is_the_printed_double_sum(batch):
    rng = seeds.generator(4)
    image_weights, text_weights = rng.normal(size=(3, IMAGE_DIM)), rng.normal(size=(3, TEXT_DIM))
    similarities = (batch.images @ image_weights.T) @ (batch.texts @ text_weights.T).T
    pairs = sum(
        (similarities[i, j] - similarities[i, i]) + (similarities[j, i] - similarities[i, i])
        for i in range(SIZE)
        for j in range(SIZE)
        if j != i
    )
    expected = pairs / (2 * SIZE * (SIZE - 1)) + 0.5 * np.sum((image_weights.T @ text_weights) ** 2)
    # A sum of 72 terms of size 10 in double precision.
    np.testing.assert_allclose(linearized_loss(encoder(image_weights, text_weights), batch), expected, rtol=1e-12)


@pytest.mark.parametrize("embed_dim", [1, 2, 4, 6])
def test_gradient_vanishes_at_the_minimiser(batch, embed_dim):
    minimiser = linearized_minimiser(jnp.asarray(sample_covariance(batch)), embed_dim)
    gradients = gradients_of(factorised(minimiser, min(embed_dim, TEXT_DIM)), batch)
    for gradient in jax.tree.leaves(gradients):
        np.testing.assert_allclose(gradient, 0.0, atol=1e-12)  # rounding of numbers of order 1


def test_a_stationary_point_with_another_direction_is_worse(batch):
    """Keeping the second singular direction instead of the first is stationary too, but not the minimiser."""
    covariance = sample_covariance(batch)
    left, singular_values, right = np.linalg.svd(covariance, full_matrices=False)
    second = singular_values[1] * np.outer(left[:, 1], right[1])
    best = factorised(linearized_minimiser(jnp.asarray(covariance), 1), 1)
    gradients = gradients_of(factorised(second, 1), batch)
    np.testing.assert_allclose(jax.tree.leaves(gradients)[0], 0.0, atol=1e-12)
    expected = -0.5 * singular_values[0] ** 2  # the loss at its minimum over rank one
    np.testing.assert_allclose(linearized_loss(best, batch), expected, rtol=1e-12)
    assert linearized_loss(factorised(second, 1), batch) > expected + 0.1


def curvature(kept, singular_values, left, right, embed_dim, mix):
    """Eigenvalues of the Hessian in both weights where G keeps some singular directions, and the largest gradient."""
    count = len(kept)
    factor = mix[:, :count]
    opposite = np.linalg.pinv(factor).T  # not balanced: the minimum is the same
    root = np.sqrt(singular_values[kept])[:, None]
    image, text = factor @ (root * left.T[kept]), opposite @ (root * right[kept])
    covariance = (left[:, : len(singular_values)] * singular_values) @ right

    hessian, gradient = derivatives(np.concatenate([image.ravel(), text.ravel()]), covariance)
    return np.linalg.eigvalsh(hessian), float(np.max(np.abs(gradient)))


@jax.jit
def derivatives(place, covariance):
    """Hessian and gradient of the loss in the entries of both weights, row by row."""

    def loss(entries):
        image, text = jnp.split(entries, [len(place) * IMAGE_DIM // (IMAGE_DIM + TEXT_DIM)])
        product = image.reshape(-1, IMAGE_DIM).T @ text.reshape(-1, TEXT_DIM)
        return -jnp.sum(product * covariance) + 0.5 * jnp.sum(product**2)

    return jax.hessian(loss)(place), jax.grad(loss)(place)


@pytest.mark.parametrize("embed_dim", [1, 2, 3])
def test_every_other_stationary_point_is_a_strict_saddle(batch, embed_dim):
    """All choices of at most h of the four singular directions: downward curvature everywhere but at the minimiser.

    At full rank it is at least as strong as the page's direction says, 2 (1 - sigma / sigma_s) over its squared length.
    """
    left, singular_values, right = np.linalg.svd(sample_covariance(batch), full_matrices=False)
    # Any matrix that can be inverted, but for those so nearly singular that rounding would grow.
    turns = np.linalg.svd(seeds.generator(6).normal(size=(embed_dim, embed_dim)))
    mix = turns.U @ np.diag(np.linspace(0.5, 2.0, embed_dim)) @ turns.Vh
    seen = 0
    for count in range(embed_dim + 1):
        for kept in itertools.combinations(range(TEXT_DIM), count):
            chosen = list(kept)
            eigenvalues, gradient = curvature(chosen, singular_values, left, right, embed_dim, mix)
            assert gradient < 1e-10  # rounding
            if chosen == list(range(embed_dim)):
                assert eigenvalues[0] > -1e-10  # rounding: the minimiser is no saddle
                continue
            assert eigenvalues[0] < -1e-3
            seen += 1
            if count == embed_dim:
                ratio = max(np.delete(singular_values, chosen)) / min(singular_values[chosen])
                factor, root = mix[:, :count], np.sqrt(singular_values[chosen[-1]])
                # a with W_T^T a = v_s and b with W_I^T b = u_s, in the coordinates of the factors.
                a, b = factor[:, -1] / root, np.linalg.pinv(factor).T[:, -1] / root
                assert eigenvalues[0] <= 2 * (1 - ratio) / (a @ a + b @ b) + 1e-10
    assert seen >= 4


@pytest.mark.parametrize("embed_dim", [2, 4])
def test_gradient_descent_reaches_it(batch, embed_dim):
    rng = seeds.generator(5)
    model = encoder(0.3 * rng.normal(size=(embed_dim, IMAGE_DIM)), 0.3 * rng.normal(size=(embed_dim, TEXT_DIM)))
    graph, weights = nnx.split(model)

    @jax.jit
    def descend(weights):
        def step(_, weights):
            gradients = jax.grad(lambda w: linearized_loss(nnx.merge(graph, w), batch))(weights)
            return jax.tree.map(lambda w, g: w - 0.04 * g, weights, gradients)

        return jax.lax.fori_loop(0, 100_000, step, weights)

    model = nnx.merge(graph, descend(weights))
    product = model.image_encoder.kernel[...] @ model.text_encoder.kernel[...].T
    expected = linearized_minimiser(jnp.asarray(sample_covariance(batch)), embed_dim)
    # The slowest of 17 draws was off by 2e-5 at a fifth of this training, exp(-11), so that exp(-50) is left here.
    np.testing.assert_allclose(product, expected, atol=1e-8)


def test_rho_scales_and_a_wide_embedding_changes_nothing(batch):
    covariance = jnp.asarray(sample_covariance(batch))
    np.testing.assert_array_equal(linearized_minimiser(covariance, 9, rho=4.0), covariance / 4.0)
    assert np.linalg.matrix_rank(truncate_rank(covariance, 3)) == 3
    with pytest.raises(ValueError, match="rank must be at least 1, got 0"):
        truncate_rank(covariance, 0)
