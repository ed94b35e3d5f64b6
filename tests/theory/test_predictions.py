"""The table of closed forms: every learner and prompt, and honest gaps where nothing can be said."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theory import (
    GROUPS,
    Caption,
    SpuriousModel,
    group_accuracies,
    least_squares_direction,
    logistic_direction,
    predict,
    zero_shot_direction,
)
from theory.predictions import BATCH_FREE
from theory.report import report
from theory.statements.captions import caption_covariance
from workbench.errors import ParameterError


def test_rows_are_the_closed_forms_in_double_precision():
    model = SpuriousModel(spurious_ratio=0.77, mu_spu=1.9)
    with jax.enable_x64(False):  # a session in single precision gets double precision all the same
        rows = predict(model, learners=("linearized", "least_squares", "logistic"))
    expected = {
        ("linearized", "label"): zero_shot_direction(model, "label"),
        ("linearized", "class-mean"): zero_shot_direction(model, "class-mean"),
        ("least_squares", None): least_squares_direction(model),
        ("logistic", None): logistic_direction(model),
    }
    assert [(row.learner, row.prompt) for row in rows] == list(expected)
    for row in rows:
        direction = expected[(row.learner, row.prompt)]
        np.testing.assert_allclose(row.direction, direction, rtol=1e-9)
        accuracies = group_accuracies(model, direction)
        assert list(row.accuracy) == list(GROUPS)
        np.testing.assert_allclose(list(row.accuracy.values()), accuracies, rtol=1e-9)


def test_a_rule_is_the_critic_times_the_prompt():
    """Captions in words make a critic that is not symmetric, so that its transpose makes another rule."""
    model, caption = SpuriousModel(spurious_ratio=0.77, mu_spu=1.9), Caption("label-attribute")
    critic = np.asarray(caption_covariance(model, caption))
    (row,) = predict(model, prompts=("label",), captions=(caption,), learners=("linearized",))
    assert row.direction[1] / row.direction[0] == pytest.approx(critic[1, 0] / critic[0, 0], rel=1e-9)
    assert critic[1, 0] != pytest.approx(critic[0, 1], rel=0.1)


@pytest.mark.parametrize(
    ("model", "embed_dim", "learner", "words"),
    [
        # The kept direction is the spurious feature's, on which the label prompt says nothing.
        (SpuriousModel(spurious_ratio=0.5), 1, "linearized", "undecided"),
        # mu^2 + sigma^2 is the same for both features and they are uncorrelated.
        (SpuriousModel(spurious_ratio=0.5, mu_spu=1.0, sigma_spu=1.0), 1, "linearized", "not unique"),
        (SpuriousModel(sigma_inv=0.0, sigma_xi=0.0), 8, "logistic", "separable"),
        (SpuriousModel(sigma_inv=1e-4, sigma_xi=0.0), 8, "logistic", "separable"),
        (SpuriousModel(mu_spu=0.0, sigma_spu=0.0, sigma_xi=0.0), 8, "least_squares", "not unique"),
    ],
)
def test_what_cannot_be_said_is_named(model, embed_dim, learner, words):
    (row,) = predict(model, embed_dim, prompts=("label",), learners=[learner])
    assert row.accuracy is None
    assert words in row.note
    json.dumps(report(model, embed_dim, learners=BATCH_FREE), allow_nan=False)


def test_constants_without_spread_are_missing_rather_than_infinite():
    printed = report(SpuriousModel(sigma_inv=0.0, sigma_spu=0.0), learners=BATCH_FREE)["printed"]
    assert printed["kappa_1"] is None and printed["conflicting_error_bound"] is None


def test_wrong_arguments_are_refused():
    with pytest.raises(ParameterError, match="embed_dim must be a whole number of at least 1, got 0"):
        predict(SpuriousModel(), 0)
    with pytest.raises(ParameterError, match=r"prompt must be one of label, class-mean, mixture:SHARE .* got 'names'"):
        predict(SpuriousModel(), 2, ("names",))


def test_a_phase_diagram_is_one_vmap():
    ratios, means = jnp.meshgrid(jnp.linspace(0.5, 1.0, 5), jnp.linspace(0.5, 2.0, 4))

    def conflicting(ratio, mu_spu):
        model = SpuriousModel(spurious_ratio=ratio, mu_spu=mu_spu)
        return group_accuracies(model, least_squares_direction(model))[1]

    grid = jax.jit(jax.vmap(jax.vmap(conflicting)))(ratios, means)
    point = SpuriousModel(spurious_ratio=float(ratios[2, 3]), mu_spu=float(means[2, 3]))
    np.testing.assert_allclose(grid[2, 3], group_accuracies(point, least_squares_direction(point))[1], rtol=1e-12)
