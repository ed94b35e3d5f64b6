"""Encoders: against independent computations, with a common interface, and trained by every objective."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from sims.encoders import Architecture, Encoder
from sims.encoders.networks import CNN
from sims.names import IMAGE_ENCODERS, LINEAR_ONLY, TEXT_ENCODERS
from sims.objectives import OBJECTIVES
from sims.synthetic.sampler import Batch
from workbench.errors import ParameterError

DIM, TEXT_DIM, WIDTH, SIZE = 64, 5, 3, 7


def pictures(seed=0):
    return np.random.default_rng(seed).normal(size=(SIZE, DIM))


@functools.cache
def encoder_of(name):
    """An encoder with its weights; one for all tests, which leave it as it is."""
    return Architecture(DIM, TEXT_DIM, WIDTH, name).encode_images(WIDTH, nnx.Rngs(0))


def compiled(encoder):
    """The encoder as one program: its operations compiled one by one would take four times as long."""
    graph, weights = nnx.split(encoder)
    return jax.jit(lambda images: nnx.merge(graph, weights)(images))


@pytest.mark.parametrize("name", IMAGE_ENCODERS)
def test_image_encoders_embed_each_picture_by_itself(name):
    encoder = encoder_of(name)
    assert isinstance(encoder, Encoder)
    embed = compiled(encoder)
    embeddings = embed(pictures())
    assert embeddings.shape == (SIZE, WIDTH) and embeddings.dtype == jnp.float64
    # A batch of 1 may take another kernel: rounding in double precision.
    np.testing.assert_allclose(embed(pictures()[2:3])[0], embeddings[2], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", IMAGE_ENCODERS)
def test_every_pixel_is_seen_and_only_linear_is_linear(name):
    embed = compiled(encoder_of(name))
    jacobian = jax.jit(jax.jacobian(lambda image: embed(image[None])[0]))(pictures()[0])
    assert (np.abs(jacobian).max(axis=0) > 1e-6).all()
    one, other = pictures(1), pictures(2)
    added = np.allclose(embed(one + other), embed(one) + embed(other))
    assert added == (name == "linear")


def test_cnn_is_two_strided_convolutions():
    """Against XLA's own convolution with the same filters."""
    shape = (8, 12, 3)
    images = np.random.default_rng(0).normal(size=(4, 8 * 12 * 3))
    network = CNN(shape, WIDTH, rngs=nnx.Rngs(0))

    @jax.jit
    def expected(images):
        features = images.reshape(4, *shape)
        for layer in (network.first, network.second):
            filters = layer.kernel[...].reshape(3, 3, features.shape[-1], -1)
            convolved = jax.lax.conv_general_dilated(
                features, filters, (2, 2), ((1, 1), (1, 1)), dimension_numbers=("NHWC", "HWIO", "NHWC")
            )
            features = jax.nn.gelu(convolved + layer.bias[...][None, None, None])
        assert features.shape == (4, 2, 3, 32)
        return features.reshape(4, -1) @ network.head.kernel[...]

    np.testing.assert_allclose(compiled(network)(images), expected(images), rtol=1e-9, atol=1e-12)


def test_vit_reads_patches_where_they_are():
    """Two patches exchanged are another picture; without position embeddings they are the same one."""
    image = pictures()[0].reshape(8, 8)
    exchanged = image.copy()
    exchanged[:2, :2], exchanged[4:6, 2:4] = image[4:6, 2:4], image[:2, :2]
    both = np.stack([image.ravel(), exchanged.ravel()])
    graph, weights = nnx.split(encoder_of("vit"))
    embed = jax.jit(lambda weights, images: nnx.merge(graph, weights)(images))
    assert np.abs(np.diff(embed(weights, both), axis=0)).max() > 1e-4
    weights["positions"] = weights["positions"].replace(np.zeros(weights["positions"].shape))
    # Layer norms take their moments in single precision.
    np.testing.assert_allclose(*embed(weights, both), rtol=1e-6)


TRAINED = [
    # Most of the time is compilation, and a transformer takes longest.
    pytest.param(encoder, name, marks=[pytest.mark.slow] if encoder == "vit" and name != "infonce" else [])
    for encoder in ("mlp", "cnn", "vit")
    for name in OBJECTIVES
    if name not in LINEAR_ONLY
]


@pytest.mark.parametrize(("image_encoder", "name"), TRAINED)
def test_every_objective_trains_every_encoder(name, image_encoder):
    """A small step along the gradient lowers the loss."""
    labels = np.array([1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0])
    arrays = pictures() + labels[:, None], pictures()[:, :TEXT_DIM] + labels[:, None], labels, labels
    batch = Batch(*map(jnp.asarray, arrays))
    model = OBJECTIVES[name].create(Architecture(DIM, TEXT_DIM, WIDTH, image_encoder, "mlp"), nnx.Rngs(0))
    graph, weights = nnx.split(model, nnx.Param)

    @jax.jit
    def step(weights):
        loss, gradient = jax.value_and_grad(lambda w: OBJECTIVES[name].loss(nnx.merge(graph, w), batch))(weights)
        return jax.tree.map(lambda w, g: w - 1e-3 * g, weights, gradient), loss

    weights, before = step(weights)
    _, after = step(weights)
    assert after < before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"image_encoder": "resnet"}, "image_encoder must be among linear, mlp, cnn, vit, got resnet"),
        ({"text_encoder": "cnn"}, "text_encoder must be among linear, mlp, got cnn"),
        ({"image_encoder": "cnn", "image_dim": 50}, "image_dim must be the square of a multiple of 4 .* got 50"),
        ({"image_encoder": "vit", "image_dim": 36}, "image_dim must be the square of a multiple of 4 .* got 36"),
    ],
)
def test_what_cannot_be_built_is_refused(change, words):
    with pytest.raises(ParameterError, match=words):
        Architecture(**({"image_dim": DIM, "text_dim": TEXT_DIM, "embed_dim": WIDTH} | change))
    assert set(TEXT_ENCODERS) < set(IMAGE_ENCODERS)
