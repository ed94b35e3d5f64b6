"""Calls of the product are checked in the tests: types by beartype, sizes of arrays by jaxtyping."""

import jax
import jax.numpy as jnp
import jaxtyping
import pytest
from jaxtyping import Array, Float

from tests.typechecking import check, checked
from theory.model import Scalar, SpuriousModel
from theory.repairs import project, to_unit_length
from workbench.terminal import shorten


def transposed(rows: Float[Array, "rows width"]) -> Float[Array, "rows width"]:
    """Wrong, but for square arrays."""
    return rows.T


def test_sizes_agree_between_arguments():
    project(jnp.ones((3, 4)), jnp.ones((2, 4)))
    with pytest.raises(jaxtyping.TypeCheckError, match="width=4"):
        project(jnp.ones((3, 4)), jnp.ones((2, 5)))
    with pytest.raises(jaxtyping.TypeCheckError):
        to_unit_length(jnp.ones(3))


def test_sizes_agree_between_arguments_and_result():
    found = checked(transposed, typechecker=check)
    assert found(jnp.ones((3, 3))).shape == (3, 3)
    with pytest.raises(jaxtyping.TypeCheckError, match="return value"):
        found(jnp.ones((3, 4)))


def half(ratio: Scalar) -> Scalar:
    return ratio / 2


def test_functions_that_name_no_sizes_are_checked_too():
    with pytest.raises(TypeError, match="violates type hint"):
        shorten(3)
    found = checked(half, typechecker=check)
    assert found(0.5) == 0.25 and jax.jit(found)(0.5) == 0.25
    for wrong in ("0.5", [0.5]):
        with pytest.raises(TypeError, match="violates type hint"):
            found(wrong)


def test_closures_and_dataclasses_are_checked():
    def scaled(rows: Float[Array, "rows width"], scale: Float[Array, "width"]) -> Float[Array, "rows width"]:
        return rows * scale

    with pytest.raises(jaxtyping.TypeCheckError):
        checked(scaled, typechecker=check)(jnp.ones((2, 3)), jnp.ones(2))
    with pytest.raises(TypeError, match="violates type hint"):
        SpuriousModel([0.9])
