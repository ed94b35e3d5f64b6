"""Where the simulations in the tests take their draws from; `pytest --seed N` gives all of them others.

Tests that decide by such draws are marked `simulation`.
"""

import jax
import numpy as np

STRIDE = 100_000
_base = 0


def set_base(base: int) -> None:
    """Take all draws from now on from another base seed; 0 leaves each number as its own seed."""
    global _base
    _base = base


def seed(number: int) -> int:
    """The seed that stands for this number."""
    return number + STRIDE * _base


def generator(number: int) -> np.random.Generator:
    """NumPy's generator for this number."""
    return np.random.default_rng(seed(number))


def key(number: int) -> jax.Array:
    """JAX's random key for this number."""
    return jax.random.key(seed(number))
