"""Holm's correction: its definition, and the bits of statsmodels'."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from tests import seeds
from workbench.multiplicity import correct_by_holm


def test_p_values_are_corrected_by_how_many_are_left():
    """By hand: 4 x 0.01; 3 x 0.02; then 2 x 0.024, which the one before exceeds; 0.9 stays."""
    corrected = correct_by_holm([0.024, 0.9, 0.01, 0.02])
    np.testing.assert_allclose(corrected, [0.06, 0.9, 0.04, 0.06], rtol=1e-15)
    assert correct_by_holm([0.6, 0.7]).tolist() == [1.0, 1.0]
    assert correct_by_holm([]).shape == (0,)


@pytest.mark.parametrize("tests", [1, 2, 7, 200])
def test_they_are_statsmodels_bit_by_bit_with_ties_and_without(tests):
    generator = seeds.generator(tests)
    for p_values in (generator.uniform(size=tests) ** 3, generator.integers(1, 5, size=tests) / 20):
        np.testing.assert_array_equal(correct_by_holm(p_values), multipletests(p_values, method="holm")[1])
