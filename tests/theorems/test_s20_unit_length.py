"""S20: unit length and temperature, against the trained losses themselves on sampled batches."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy.linalg import sqrtm

import sims
from sims.encoders import Architecture
from sims.objectives import OBJECTIVES
from sims.synthetic.sampler import Bases, Batch
from tests import seeds
from tests.theorems.monte_carlo import CRITICAL, agree, draw_in_plane, z_scores
from theory import SpuriousModel, group_accuracies, latent_prompt
from theory.statements.unit_length import Encoders, grids, infonce_loss, optimum, siglip_loss, smallest_scale
from workbench.compilation import jit

pytestmark = pytest.mark.statement("S20")

# The defaults' noise in each direction, from 62 directions off the plane instead of 14: then the squared length that
# they add varies by 18%, and the losses are off their values at its mean by less than 2e-4.
MODEL = SpuriousModel(image_dim=64, text_dim=64, sigma_xi=2.0)
BATCH = 16


def root(matrix):
    return np.real(sqrtm(np.asarray(matrix)))


def weights_of(encoders, model, bases, scale):
    """W_I and W_T, embeddings as columns, that have these numbers: the signal in four directions, noise in others."""
    inverse = np.linalg.inv(root(encoders.image_shape))
    shared = inverse @ np.asarray(encoders.critic) / scale
    rest = root(np.asarray(encoders.caption_shape) - shared.T @ shared)
    image_plane = np.concatenate([root(encoders.image_shape), np.zeros((2, 2))])
    caption_plane = np.concatenate([shared, rest])
    dims = model.image_dim, model.text_dim

    def whole(plane, basis, dim, noise, variance, first):
        off = np.linalg.svd(np.asarray(basis))[0][:, 2:]  # orthonormal, off the plane
        weights = np.zeros((sum(dims), dim))
        weights[:4] = plane @ np.asarray(basis).T
        weights[first : first + dim - 2] = np.sqrt(float(noise) / (variance * (dim - 2))) * off.T
        return jnp.asarray(weights)

    image = whole(image_plane, bases.image, dims[0], encoders.image_noise, model.image_noise_variance, 4)
    text = whole(caption_plane, bases.text, dims[1], encoders.caption_noise, model.text_noise_variance, 2 + dims[0])
    return image, text


def drawn(model, size, count):
    """`count` batches; the first two directions are the signal's plane: as good as any others."""
    sample = draw_in_plane(model, size * count, seed=20, dims=(model.image_dim, model.text_dim)).batches(count)
    return Batch(*map(jnp.asarray, sample))


def sampled_losses(loss, places, model, batches, offset=0.0):
    """The training loss of `sims` on the same batches, for each of some encoders: (batches, places)."""
    bases = Bases(*(jnp.eye(dim, 2) for dim in (model.image_dim, model.text_dim)))
    width = model.image_dim + model.text_dim
    shape = Architecture(model.image_dim, model.text_dim, width, "linear", "linear")
    objective, networks = OBJECTIVES[loss], []
    for encoders in places:
        network, scale = objective.create(shape, nnx.Rngs(0)), float(smallest_scale(encoders))
        image, text = weights_of(encoders, model, bases, scale)
        network.image_encoder.kernel[...], network.text_encoder.kernel[...] = image.T, text.T
        network.log_scale[...] = jnp.log(jnp.asarray(scale))
        if loss == "siglip":
            network.perfect_logit[...] = jnp.asarray(offset + scale)
        networks.append(network)

    def of_batch(batch):
        return jnp.stack([objective.loss(network, batch) for network in networks])

    return np.asarray(jit(lambda batches: jax.lax.map(of_batch, batches), long=True)(batches))


# On purpose neither symmetric nor alike in the two modalities, with much noise off the plane.
PLACE = Encoders(
    jnp.array([[3.0, -0.7], [0.4, 2.1]]),
    jnp.array([[1.3, -0.2], [-0.2, 0.8]]),
    jnp.array([[0.8, 0.1], [0.1, 1.3]]),
    jnp.asarray(0.6),
    jnp.asarray(0.3),
)


infonce_value = jit(infonce_loss, long=True)


@pytest.fixture(scope="module")
def both():
    return grids(MODEL)


def test_losses_are_those_of_batches(both):
    """Rejected at the same size: noise off the plane ignored, a batch of infinite size, a batch of one pair more."""
    batches = drawn(MODEL, BATCH, 3000)
    draws = sampled_losses("infonce", [PLACE], MODEL, batches)
    expected = infonce_value(both, PLACE, 1.0 * BATCH) + np.log(BATCH)
    assert agree(draws, expected)
    silent = PLACE._replace(image_noise=jnp.zeros(()), caption_noise=jnp.zeros(()))
    for wrong in (
        infonce_value(both, silent, 1.0 * BATCH) + np.log(BATCH),
        jit(infonce_loss, long=True, static_argnums=2)(both, PLACE, None) + np.log(BATCH),
        infonce_value(both, PLACE, BATCH + 1.0) + np.log(BATCH + 1),
    ):
        assert not agree(draws, wrong)
    sigmoid = jit(siglip_loss, long=True)
    draws = sampled_losses("siglip", [PLACE], MODEL, batches, -3.0)
    assert agree(draws, sigmoid(both, PLACE, jnp.asarray(-3.0), 1.0 * BATCH))
    assert not agree(draws, sigmoid(both, silent, jnp.asarray(-3.0), 1.0 * BATCH))
    assert not agree(draws, sigmoid(both, PLACE, jnp.asarray(-3.0), BATCH + 1.0))


# Fewer nodes than it takes by itself move the optimum's loss by a thousandth, and the two optima's losses alike.
NODES = (20, 32)


@pytest.fixture(scope="module")
def optima():
    """Of batches of 64: with and without the noise off the plane."""
    return {off_plane: optimum(MODEL, "infonce", 64, off_plane, NODES) for off_plane in (True, False)}


@pytest.mark.slow
def test_noise_off_the_plane_pays(optima):
    """The same batches tell the two optima apart as the quadrature says; that they are equally good is rejected."""
    both = [optima[True].encoders, optima[False].encoders]
    draws = sampled_losses("infonce", both, MODEL, drawn(MODEL, 64, 1500))
    gain = optima[False].loss - optima[True].loss
    assert gain > 0.005 and optima[True].encoders.image_noise > 0.01
    assert agree(draws[:, 1] - draws[:, 0], gain)
    assert z_scores(draws[:, 1] - draws[:, 0], 0.0) > 2 * CRITICAL


@pytest.mark.slow
def test_optimum_is_stationary_in_every_direction(optima):
    """By central differences, in random directions; the optimum of infinite batches is not the one of 64."""
    found, both = optima[True], grids(MODEL, *NODES)
    rng = seeds.generator(1)
    turns = [jax.tree.map(lambda part: jnp.asarray(rng.normal(size=part.shape)), found.encoders) for _ in range(4)]

    def slopes(encoders):
        def along(turn, step):
            return infonce_value(both, jax.tree.map(lambda part, way: part * (1.0 + step * way), encoders, turn), 64.0)

        return np.array([float(along(turn, 1e-4) - along(turn, -1e-4)) / 2e-4 for turn in turns])

    # Slopes in relative units: the descent ends at 1e-4 in units that are ten times larger at most.
    assert np.abs(slopes(found.encoders)).max() < 1e-3
    assert np.abs(slopes(optimum(MODEL, "infonce", nodes=NODES).encoders)).max() > 3e-3


@pytest.mark.slow
def test_planar_encoders_differ_by_a_rotation(optima):
    encoders = optima[False].encoders
    inner = np.linalg.inv(root(encoders.image_shape)) @ np.asarray(encoders.critic)
    turned = inner @ np.linalg.inv(root(encoders.caption_shape)) / optima[False].scale
    np.testing.assert_allclose(turned @ turned.T, np.eye(2), atol=1e-9)
    wide = np.linalg.svd(np.asarray(optima[True].encoders.critic))[1]
    assert wide[0] / wide[1] > 1.1  # and those that use the noise do not


def test_where_it_does_not_hold():
    with pytest.raises(ValueError, match="equally frequent"):
        optimum(dataclasses.replace(MODEL, class_prior=0.3), "infonce")
    with pytest.raises(ValueError, match="size of batch"):
        optimum(MODEL, "siglip")
    with pytest.raises(ValueError, match="one of infonce, siglip"):
        optimum(MODEL, "linearized")
    # No noise, or next to none: image and caption are one point, and the grid would miss it.
    assert optimum(dataclasses.replace(MODEL, sigma_xi=0.0), "infonce") is None
    assert optimum(dataclasses.replace(MODEL, sigma_xi=0.1), "infonce") is None


@pytest.mark.slow
@pytest.mark.parametrize(("loss", "size"), [("infonce", 16), ("siglip", 64)])
def test_trained_encoders_end_there(loss, size):
    """4 runs of 12,800 steps; in both groups and with both prompts. Shorter trainings stop up to a point before it."""
    model = SpuriousModel()
    found = sims.sweep(model, {"batch_size": size, "steps": 12800}, objectives=(loss,), seeds=4, seed=seeds.seed(2))
    trained = found.outcome.accuracies.reshape(4, 2, 2)  # runs, prompts, groups
    # 4 runs can agree by chance; test sets alone leave this much.
    critical = CRITICAL * np.maximum(trained.std(axis=0, ddof=1), 0.002) / np.sqrt(len(trained))
    prompts = [latent_prompt(model, prompt) for prompt in ("label", "class-mean")]

    def off_by(optimal):
        critic = optimal.encoders.critic
        expected = np.array([group_accuracies(model, critic @ prompt)[:2] for prompt in prompts])
        return np.abs(trained.mean(axis=0) - expected)

    # What a step size above 0 leaves, and the grid: 0.3 points.
    assert np.all(off_by(optimum(model, loss, size)) < critical + 0.003)
    # A batch taken as infinite is off by four points, noise off the plane ignored by nine, on conflicting images.
    wrong = optimum(model, loss) if loss == "infonce" else optimum(model, loss, size, off_plane=False)
    assert np.any(off_by(wrong) > critical + 0.003)
