"""Training on coloured digits: losses, what is learned, and what a stop changes."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from sims.colored_digits.accuracy import GROUPS
from sims.colored_digits.config import DigitsConfig
from sims.colored_digits.design import Design
from sims.colored_digits.digits import read_digits
from sims.colored_digits.learners import LEARNERS, Painted
from sims.colored_digits.result import row_of
from sims.colored_digits.training import train
from sims.encoders import Architecture
from sims.training.checkpoints import Checkpoints
from tests.seeds import seed
from workbench.errors import ParameterError

# Linear, since convolutions take seconds to compile; test_programs.py trains these.
SMALL = DigitsConfig(
    Design(2, 0.75, 0.9),
    ("infonce", "cross_entropy"),
    image_encoder="linear",
    steps=6,
    seeds=2,
    samples=300,
    batch_size=32,
)


@pytest.fixture(scope="module")
def digits():
    return read_digits(2)


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("name", ["perfect_language", "cross_entropy"])
def test_losses_are_sums_of_cross_entropies(name):
    """Equation 10 in NumPy, from the model's own logits: one cross-entropy for the label and one for the colour."""
    architecture = Architecture(48, 7, 5, "linear", shape=(4, 4, 3))
    model = LEARNERS[name].create(architecture, 3, nnx.Rngs(0))
    generator = np.random.default_rng(0)
    images = jnp.asarray(generator.normal(size=(9, 48)))
    labels, colours = generator.integers(0, 3, (2, 9))
    texts = jnp.zeros((9, 7))
    loss = LEARNERS[name].loss(model, Painted(images, texts, jnp.asarray(labels), jnp.asarray(colours)))
    wanted = [labels, colours] if name == "perfect_language" else [labels]
    found = [
        -log_softmax(np.asarray(logits))[np.arange(9), of].mean()
        for logits, of in zip(model.logits(images), wanted, strict=True)
    ]
    assert float(loss) == pytest.approx(sum(found), rel=1e-6)


@pytest.mark.slow
@pytest.mark.simulation
def test_contrastive_learning_with_a_text_encoder_is_not_supervised_learning(digits):
    """The finding: Equation 10 follows the colour as supervision does, InfoNCE with captions of both does not.

    Bayes: 10% in Rev for what follows the training distribution, 75% for what reads the digit. And the power: captions
    without the background make InfoNCE follow the colour, so that the same run tells the two apart.
    """
    config = DigitsConfig(
        Design(2, 0.75, 0.9),
        steps=300,
        seeds=2,
        objective=("perfect_language", "infonce", "cross_entropy"),
        seed=seed(0),
    )
    rev = GROUPS.index("rev")

    def reversed_accuracy(config):
        accuracies = row_of(config, digits, train(config, digits)).accuracies
        return {name: runs[:, rev].mean() for name, runs in accuracies.items()}

    both = reversed_accuracy(config)
    assert both["perfect_language"] < 30 and both["cross_entropy"] < 30
    assert both["infonce"] > 55
    object_alone = reversed_accuracy(dataclasses.replace(config, objective=("infonce",), mention_spu=0.0))
    assert object_alone["infonce"] < 30


def test_a_stopped_training_ends_with_the_same_bits(digits, tmp_path):
    class Stopping(Checkpoints):
        def due(self):
            return True

        def save(self, step, arrays, record):
            super().save(step, arrays, record)
            raise KeyboardInterrupt

    whole = train(SMALL, digits)
    with pytest.raises(KeyboardInterrupt):
        train(SMALL, digits, checkpoints=Stopping(tmp_path / "kept", {}, 0.0))
    steps = []
    again = train(SMALL, digits, lambda step, status: steps.append(step), Checkpoints(tmp_path / "kept", {}, 1e9))
    assert steps[1] > 0  # it went on, and did not start afresh
    for name, weights in whole.weights.items():
        assert all(jax.tree.leaves(jax.tree.map(lambda a, b: bool((a == b).all()), weights, again.weights[name])))
        np.testing.assert_array_equal(whole.answers[name], again.answers[name])


@pytest.mark.slow
def test_runs_differ_and_do_not_depend_on_each_other(digits):
    """A run's weights are the same alone, and different from another run's."""
    two, one = train(SMALL, digits), train(dataclasses.replace(SMALL, seeds=1), digits)
    for name in two.weights:
        for both, alone in zip(jax.tree.leaves(two.weights[name]), jax.tree.leaves(one.weights[name]), strict=True):
            # Products of another batch size are summed in another order: double precision's rounding, over 6 steps.
            np.testing.assert_allclose(both[0], alone[0], rtol=1e-6, atol=1e-9)
        assert any(not np.allclose(leaf[0], leaf[1]) for leaf in jax.tree.leaves(two.weights[name]))


def test_a_batch_larger_than_the_data_is_refused(digits):
    with pytest.raises(ParameterError, match="at most `samples`"):
        dataclasses.replace(SMALL, samples=31)
    with pytest.raises(ParameterError, match="at most the 10000 images"):
        train(dataclasses.replace(SMALL, samples=0, batch_size=10_001), digits)


@pytest.mark.slow
def test_a_picture_transformer_reads_digits_too(digits):
    trained = train(dataclasses.replace(SMALL, image_encoder="vit", objective=("siglip",), text_encoder="mlp"), digits)
    assert trained.answers["siglip"].shape == (2, len(digits.test.labels), 2)
