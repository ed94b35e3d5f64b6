"""The model's parameters are checked when they are numbers and pass when they are traced."""

import dataclasses

import jax
import jax.numpy as jnp
import pytest

from theory import SpuriousModel
from workbench.errors import ParameterError


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("spurious_ratio", 0.49, "must be in [0.5, 1], got 0.49"),
        ("spurious_ratio", 1.01, "must be in [0.5, 1], got 1.01"),
        ("mu_inv", 0.0, "must be positive, got 0.0"),
        ("mu_spu", -0.1, "must be at least 0, got -0.1"),
        ("sigma_inv", -1.0, "must be at least 0, got -1.0"),
        ("sigma_spu", float("nan"), "must be finite, got nan"),
        ("sigma_xi", float("inf"), "must be finite, got inf"),
        ("mu_spu", 1e7, "must be at most 1e+06, got 10000000.0"),
        ("image_dim", 1, "must be a whole number of at least 2, got 1"),
    ],
)
def test_numbers_outside_their_domain_are_refused(name, value, words):
    with pytest.raises(ParameterError) as caught:
        SpuriousModel(**{name: value})
    assert caught.value.name == name
    assert str(caught.value) == f"{name} {words}"


@pytest.mark.parametrize("edge", [{"spurious_ratio": 0.5}, {"spurious_ratio": 1}, {"sigma_inv": 0}, {"mu_spu": 0}])
def test_edges_of_the_domain_are_allowed(edge):
    SpuriousModel(**edge)


def test_is_frozen_and_a_pytree():
    model = SpuriousModel()
    with pytest.raises(dataclasses.FrozenInstanceError):
        model.mu_inv = 2.0
    ratios = jax.vmap(lambda ratio: SpuriousModel(spurious_ratio=ratio).agreement)(jnp.array([0.5, 0.75, 1.0]))
    assert ratios.tolist() == [0.0, 0.5, 1.0]
    assert jax.tree.map(lambda value: value, model) == model
