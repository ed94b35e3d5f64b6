"""The constants that are written out are what they say."""

import numpy as np
from scipy.stats import norm

from workbench.conventions import LEVEL, PERCENTILES_95, Z95


def test_the_normal_quantile_and_the_percentiles_are_those_of_the_level():
    assert norm.ppf(1 - LEVEL / 2) == Z95
    assert np.array_equal(PERCENTILES_95, [100 * LEVEL / 2, 100 * (1 - LEVEL / 2)])
