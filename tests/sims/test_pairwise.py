"""Losses over all pairs, in blocks and round a ring: the dense loss's value and gradient, in less memory."""

import json
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from sims.encoders import Architecture
from sims.objectives import OBJECTIVES
from sims.pairwise import blocks
from sims.pairwise.blocks import BLOCK
from sims.synthetic.sampler import Batch
from tests.conftest import ROOT

ROWS, COLUMNS, WIDTH = 37, 29, 5


def embeddings(dtype=jnp.float64, scale=3.0):
    rng = np.random.default_rng(3)
    return [jnp.asarray(scale * rng.normal(size=(rows, WIDTH)), dtype) for rows in (ROWS, COLUMNS)]


def plain_logsumexps(images, texts):
    logits = images @ texts.T
    return jax.nn.logsumexp(logits, axis=1), jax.nn.logsumexp(logits, axis=0)


def dense_softplus(images, texts, bias):
    return jnp.sum(jax.nn.softplus(images @ texts.T + bias))


@pytest.mark.parametrize("block", [1, 8, 36, 37])
def test_logsumexps_and_their_gradients_are_the_dense_ones(block):
    """Blocks that divide the rows and blocks that leave a rest; the two directions weighted unequally."""
    rng = np.random.default_rng(4)
    weights = jnp.asarray(rng.normal(size=ROWS)), jnp.asarray(rng.normal(size=COLUMNS))

    def value(function):
        def weighted(images, texts):
            rows, columns = function(images, texts)
            return weights[0] @ rows + weights[1] @ columns

        return jax.jit(jax.value_and_grad(weighted, (0, 1)))(*embeddings())

    for ours in (blocks.dense_logsumexps, lambda images, texts: blocks.logsumexps(images, texts, block)):
        for got, expected in zip(jax.tree.leaves(value(ours)), jax.tree.leaves(value(plain_logsumexps)), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("block", [1, 8, 37])
def test_softplus_sum_and_its_gradients_are_the_dense_ones(block):
    arguments = (*embeddings(), jnp.asarray(-1.5))
    found = jax.jit(jax.value_and_grad(lambda *a: 2.0 * blocks.softplus_sum(*a, block), (0, 1, 2)))(*arguments)
    expected = jax.jit(jax.value_and_grad(lambda *a: 2.0 * dense_softplus(*a), (0, 1, 2)))(*arguments)
    for got, wanted in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-11, atol=1e-12)


def test_large_logits_do_not_overflow_in_single_precision():
    """A temperature of 0.01 makes logits of 100 and more, whose exponentials single precision does not hold."""
    images, texts = embeddings(jnp.float32, scale=12.0)
    exact = jax.jit(plain_logsumexps)(images.astype(jnp.float64), texts.astype(jnp.float64))
    assert float(jnp.max(exact[0])) > 200
    in_blocks = jax.jit(lambda images, texts: blocks.logsumexps(images, texts, 8))
    for found in (in_blocks(images, texts), jax.jit(blocks.dense_logsumexps)(images, texts)):
        for got, expected in zip(found, exact, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-5)  # a few roundings of logits of hundreds


def large_batch(size, dtype):
    rng = np.random.default_rng(5)
    labels = jnp.ones(size, dtype)
    images, texts = (jnp.asarray(rng.normal(size=(size, 6)), dtype) for _ in range(2))
    return Batch(images, texts, labels, labels)


@pytest.mark.parametrize(
    "name", ["infonce", "infonce_bilinear", "infonce_image_to_text", "infonce_text_to_image", "siglip"]
)
def test_objectives_of_a_large_batch_are_those_of_plain_formulas(name):
    size = 2 * BLOCK + 11  # two blocks and a rest
    model, batch = OBJECTIVES[name].create(Architecture(6, 6, 4), nnx.Rngs(0)), large_batch(2 * BLOCK + 11, jnp.float64)

    graph, weights = nnx.split(model)

    def plain(weights):
        model = nnx.merge(graph, weights)
        images, texts = model.embed_images(batch.images), model.embed_texts(batch.texts)
        if name == "siglip":
            scale = jnp.exp(model.log_scale[...])
            logits = scale * (images @ texts.T) + model.perfect_logit[...] - scale
            return -jnp.sum(jax.nn.log_sigmoid((2.0 * jnp.eye(size) - 1.0) * logits)) / size
        scale = jnp.exp(model.log_scale[...]) if name == "infonce" else 1.0
        logits = scale * images @ texts.T
        own = jnp.diagonal(logits)
        if name.startswith("infonce_") and name != "infonce_bilinear":
            return jnp.mean(jax.nn.logsumexp(logits, axis=int(name == "infonce_image_to_text")) - own)
        return jnp.mean(sum(jax.nn.logsumexp(logits, axis=axis) - own for axis in (0, 1))) / 2.0

    def ours(weights):
        return OBJECTIVES[name].loss(nnx.merge(graph, weights), batch)

    found, wanted = (jax.tree.leaves(jax.jit(jax.value_and_grad(loss))(weights)) for loss in (ours, plain))
    for got, expected in zip(found, wanted, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["infonce", "siglip"])
def test_memory_grows_with_the_batch_and_not_with_its_square(name):
    """What the compiled gradient allocates, by XLA's own count; twice the batch, about twice the memory."""

    def temporary(size):
        model = OBJECTIVES[name].create(Architecture(6, 6, 4), nnx.Rngs(0))
        graph, state = nnx.split(model)
        shapes = jax.eval_shape(lambda: large_batch(size, jnp.float32))
        gradient = jax.jit(jax.grad(lambda state, batch: OBJECTIVES[name].loss(nnx.merge(graph, state), batch)))
        return gradient.lower(state, shapes).compile().memory_analysis().temp_size_in_bytes

    small, large = temporary(4096), temporary(8192)
    assert large < 2.5 * small  # a quadratic part as large as the linear one would make it 3
    assert large < 8192**2 * 4 / 2  # and less than half of one matrix of similarities


RING = """
import json, sys
import jax
jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_num_cpu_devices", 4)
jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh
from sims.pairwise import blocks, both_logsumexps, row_logsumexps, softplus_sum

def found_with(size, block):
    blocks.BLOCK = block
    rng = np.random.default_rng(0)
    images, texts = (jnp.asarray(rng.normal(size=(2, size, 5))) for _ in range(2))
    weights, bias = jnp.asarray(rng.normal(size=(3, size))), jnp.asarray(-1.5)

    def value(images, texts, bias):
        def of_run(images, texts):
            rows, columns = both_logsumexps(images, texts)
            alone = row_logsumexps(texts, images)
            return weights[0] @ rows + weights[1] @ columns + weights[2] @ alone + softplus_sum(images, texts, bias)
        return jax.vmap(of_run)(images, texts).sum()

    def compiled():
        return jax.jit(jax.value_and_grad(value, (0, 1, 2))).lower(images, texts, bias).compile()

    plain = compiled()
    mesh = Mesh(np.array(jax.devices()).reshape(1, 4), ("runs", "batch"), axis_types=(AxisType.Auto,) * 2)
    with jax.set_mesh(mesh):
        ring = compiled()
        found = ring(*jax.device_put((images, texts, bias), ring.input_shardings[0]))
        text = ring.as_text()
    off = [float(jnp.max(jnp.abs(a - b)) / jnp.max(jnp.abs(b))) for a, b in zip(
        jax.tree.leaves(jax.device_get(found)), jax.tree.leaves(plain(images, texts, bias)))]
    return {"off": off, "permutes": text.count("collective-permute"), "gathers": text.count(" all-gather(")}

print(json.dumps([found_with(*pair) for pair in json.loads(sys.argv[1])]))
"""
# Pairs of the batch and rows in a block: shards smaller than a block, and shards of two blocks.
SHARDS = {"smaller than a block": (12, BLOCK), "two blocks": (96, 12)}


@pytest.fixture(scope="module")
def round_a_ring():
    command = [sys.executable, "-c", RING, json.dumps(list(SHARDS.values()))]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=200)
    assert done.returncode == 0, done.stderr
    return dict(zip(SHARDS, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("shards", SHARDS)
def test_round_a_ring_of_four_devices_value_and_gradient_are_those_of_one(round_a_ring, shards):
    """No device is ever given all embeddings."""
    found = round_a_ring[shards]
    assert max(found["off"]) < 1e-12  # a few thousand roundings in double precision
    assert found["permutes"] > 0 and found["gathers"] == 0
