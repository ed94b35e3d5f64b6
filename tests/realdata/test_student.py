"""Student's tails and quantiles against `scipy.stats`, and Holm's correction against a sum by hand."""

import math

import pytest
from scipy.stats import t as student_t

from realdata.statistics.holm import holm
from realdata.statistics.student import quantile, tail


@pytest.mark.parametrize("freedom", [1.0, 2.5, 30.0, math.inf])
def test_tails_and_quantiles_are_those_of_student_or_of_the_normal(freedom):
    for value in (-3.0, 0.0, 0.4, 2.0, 9.0):
        assert tail(value, freedom) == pytest.approx(student_t.sf(value, freedom), rel=1e-12)
    for probability in (0.025, 0.5, 0.975, 0.9999):
        assert quantile(probability, freedom) == pytest.approx(
            student_t.ppf(probability, freedom), rel=1e-12, abs=1e-12
        )


def test_holm_multiplies_the_smallest_by_their_number_and_never_falls():
    """The smallest of five by 5, the next by 4, the third by 3; the fourth by 2 would be smaller than the third's."""
    assert holm([0.04, 0.001, 0.04, 0.9, 0.02]) == pytest.approx([0.12, 0.005, 0.12, 0.9, 0.08])
    assert holm([0.3]) == [0.3] and holm([]) == []
