"""Holm's correction of p-values for their number.

The same numbers as statsmodels, which lets Python's collector look through all of memory for each, a tenth of a second.
"""

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float] | np.ndarray) -> list[float]:
    """The corrected p-values, in the same order; none where there are none."""
    given = np.asarray(p_values, float)
    order = np.argsort(given)
    rising = np.maximum.accumulate(given[order] * np.arange(len(given), 0, -1))
    corrected = np.empty_like(given)
    corrected[order] = np.minimum(rising, 1.0)
    found: list[float] = corrected.tolist()
    return found
