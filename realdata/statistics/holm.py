"""Holm's correction of p-values for their number.

As `statsmodels.stats.multitest.multipletests` gives it, which has Python look through all of its memory each time.
"""

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float] | np.ndarray) -> list[float]:
    """The corrected p-values, in the same order; none where there are none."""
    given = np.asarray(p_values, float)
    order = np.argsort(given)
    falling = given[order] * np.arange(len(given), 0, -1)
    corrected = np.empty(len(given))
    corrected[order] = np.minimum(np.maximum.accumulate(falling), 1.0)
    found: list[float] = corrected.tolist()
    return found
