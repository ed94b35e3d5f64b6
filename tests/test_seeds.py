"""Where simulations in the tests take their draws from."""

import jax
import numpy as np
import pytest

from tests import seeds


@pytest.fixture
def base():
    """Set another base seed, for one test."""
    before = seeds.seed(0) // seeds.STRIDE
    yield seeds.set_base
    seeds.set_base(before)


def test_another_base_gives_other_draws_and_0_the_numbers_own(base):
    drawn = {}
    for number in (0, 1, 7):
        base(number)
        drawn[number] = (seeds.generator(3).normal(), float(jax.random.normal(seeds.key(3))))
    assert drawn[0] == (np.random.default_rng(3).normal(), float(jax.random.normal(jax.random.key(3))))
    assert all(len({each[kind] for each in drawn.values()}) == 3 for kind in (0, 1))


def test_the_option_sets_the_base(pytestconfig):
    assert seeds.seed(0) == seeds.STRIDE * pytestconfig.getoption("--seed")
