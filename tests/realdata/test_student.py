"""Student's tails and quantiles, and Holm's correction, against the libraries that give them for arrays."""

import math

import numpy as np
import pytest
from scipy.stats import t as student_t
from statsmodels.stats.multitest import multipletests

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


@pytest.mark.parametrize("given", [[], [0.3], [0.04, 0.001, 0.04, 0.9, 0.02], np.linspace(1, 0, 40) ** 3])
def test_holm_is_that_of_statsmodels(given):
    wanted = multipletests(given, method="holm")[1] if len(given) else []
    assert holm(given) == pytest.approx(list(wanted), rel=1e-12)
