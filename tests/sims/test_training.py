"""Training: the data each step sees, the phases, what converged means, and how divergence is told."""

import dataclasses
import functools
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sims.training.runs
from sims.training.config import ContrastiveConfig
from sims.training.record import Record, Stop
from sims.training.runs import Runs, compiled_draw, next_batch
from sims.training.steps import Steps, learning_rate_schedule
from sims.training.train import _check_finite, _MainJob, train
from theory import SpuriousModel
from workbench.errors import ParameterError, RunError

SMALL = ContrastiveConfig(
    SpuriousModel(image_dim=4, text_dim=3), objective=("linearized",), seeds=3, steps=80, batch_size=16, embed_dim=2
)


def test_an_epoch_sees_every_sample_once_and_epochs_differ():
    config = dataclasses.replace(SMALL, samples=48)
    runs = compiled_draw(config)(np.uint32(config.seed))
    run = _of((runs.keys, runs.bases, runs.dataset), 0)
    order, seen = np.arange(48), []
    following = jax.jit(lambda step, order: next_batch(config, step, order, *run))
    for step in range(6):  # two epochs of three batches
        batch, order = following(step, order)
        seen.append(np.asarray(batch.images))
    epochs = [np.concatenate(seen[:3]), np.concatenate(seen[3:])]
    assert np.abs(epochs[0] - epochs[1]).max() > 0
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch, axis=0), np.sort(np.asarray(run[-1].images), axis=0))


def test_fresh_batches_differ_by_step_and_run():
    runs = compiled_draw(SMALL)(np.uint32(SMALL.seed))
    draw = jax.jit(lambda step, key, bases: next_batch(SMALL, step, None, key, bases, None)[0].images)
    images = [np.asarray(draw(step, *_of((runs.keys, runs.bases), index))) for step, index in ((0, 0), (1, 0), (0, 1))]
    assert all(np.abs(images[0] - others).max() > 0.1 for others in images[1:])


def test_each_thing_that_a_run_draws_has_a_key_of_its_own(monkeypatch):
    keys = {}

    def record(name):
        function = getattr(sims.training.runs, name)

        def recorded(key, *rest):
            keys[name] = tuple(np.asarray(jax.random.key_data(key)).tolist())
            # Nothing need be drawn, operation by operation.
            drawn = jax.eval_shape(lambda key: function(key, *rest), key)
            return jax.tree.map(lambda part: np.zeros(part.shape, part.dtype), drawn)

        monkeypatch.setattr(sims.training.runs, name, recorded)

    for name in ("sample_bases", "sample_batch", "sample_evaluation_set"):
        record(name)
    with jax.disable_jit():
        compiled_draw(dataclasses.replace(SMALL, samples=48, seeds=1))(np.uint32(0))
    assert len(set(keys.values())) == len(keys) == 3


@jax.jit
def _of(runs, index):
    return jax.tree.map(lambda leaf: leaf[index], runs)


@pytest.fixture(scope="module")
def first():
    return train(SMALL)


@pytest.mark.slow
def test_training_is_reproducible_and_says_when_it_has_not_converged(first):
    second = train(SMALL)
    result = first.learners["linearized"]
    np.testing.assert_array_equal(result.accuracies, second.learners["linearized"].accuracies)
    assert list(first.learners) == ["linearized", "least_squares", "logistic"]
    assert result.accuracies.shape == (3, 2, 2)  # runs, prompts, groups
    assert first.learners["logistic"].accuracies.shape == (3, 1, 2)
    assert result.trajectory.shape == (len(result.trajectory_steps), 3, 2, 2)
    assert result.trajectory_steps[-1] == result.steps <= 80
    short = train(dataclasses.replace(SMALL, steps=10)).learners["linearized"]
    assert not short.converged and short.last_change is None


@pytest.mark.slow
def test_a_learner_does_not_depend_on_those_beside_it(first):
    alone = first.learners["linearized"]
    beside = train(dataclasses.replace(SMALL, objective=("linearized", "infonce"))).learners["linearized"]
    assert alone.steps == beside.steps
    # The same arithmetic in another compiled program: rounding in double precision, and no more.
    np.testing.assert_allclose(alone.accuracies, beside.accuracies, atol=1e-9)


def test_least_squares_reaches_the_least_squares_fit_of_its_samples():
    config = dataclasses.replace(SMALL, objective=("least_squares",), samples=64, batch_size=64, steps=3200)
    trained = train(config).learners["least_squares"]
    runs = compiled_draw(config)(np.uint32(config.seed))
    rules = [
        np.linalg.lstsq(x, y)[0] for x, y in zip(np.asarray(runs.dataset.images), runs.dataset.labels, strict=True)
    ]
    for rule, images, labels, accuracy in zip(
        rules, runs.test.images, runs.test.labels, trained.accuracies, strict=True
    ):
        expected = np.mean(np.sign(np.asarray(images) @ rule) == np.asarray(labels), axis=1)
        # The whole set is each batch, so there is no noise: what is left is how far Adam has come.
        np.testing.assert_allclose(accuracy[0], expected, atol=0.003)


def test_the_result_is_that_of_the_mean_weights_of_the_last_phase():
    """Linear encoders classify alike at any length of their weights; what is evaluated is looked at itself."""
    evaluated = []

    def evaluate(name, average, runs, test):
        evaluated.append(average)
        return jnp.zeros((1, 1, 2))

    result = functools.partial(Steps.result, SimpleNamespace(evaluate=evaluate))
    loop = SimpleNamespace(
        record=Record(["siglip"], 40),
        runs=Runs(*[None] * len(Runs._fields)),
        states={"siglip": SimpleNamespace(total=20 * 7.0)},  # the sum over steps 20 to 40
        program=SimpleNamespace(compiled_result=result),
    )
    found = SimpleNamespace(now=np.zeros((1, 1, 2)), averaged=np.zeros((1, 1, 2)))
    _MainJob._note(loop, Stop(40, 20, True), {"siglip": found})
    assert evaluated == [7.0] and loop.record.finished["siglip"].steps == 40


def test_the_learning_rate_falls_as_stated():
    schedule = learning_rate_schedule(0.05)
    np.testing.assert_allclose([schedule(step) for step in (0, 200, 1800)], [0.05, 0.025, 0.005], rtol=1e-12)


def test_divergence_names_learner_and_run():
    """A diverging program is run in test_contrastive_program.py, in single precision."""
    _check_finite("siglip", np.array([0, 0, 0]), SMALL)
    with pytest.raises(RunError, match=r"siglip diverged at step 17 in run 1 of 3: .* smaller than 0\.05 may help"):
        _check_finite("siglip", np.array([0, 17, 0]), SMALL)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"embed_dim": 0}, "embed_dim must be a whole number of at least 1, got 0"),
        ({"batch_size": 1}, "batch_size must be a whole number of at least 2, got 1"),
        ({"samples": 10}, "batch_size must be at most `samples`, which is 10, got 16"),
        ({"objective": ("clip",)}, "objective must be among linearized, infonce, .*, got clip"),
        ({"objective": ()}, "objective must be among .*, got nothing"),
        ({"prompt": ("names",)}, "prompt must be among label, class-mean, got names"),
        ({"learning_rate": 0.0}, "learning_rate must be a number above 0 and .*, got 0.0"),
        ({"seed": 2**32}, "seed must be below"),
    ],
)
def test_wrong_configurations_are_refused(change, words):
    with pytest.raises(ParameterError, match=words):
        dataclasses.replace(SMALL, **change)
