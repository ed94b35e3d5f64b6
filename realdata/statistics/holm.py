"""Holm's correction of p-values for their number."""

from collections.abc import Sequence

import numpy as np
from statsmodels.stats.multitest import multipletests


def holm(p_values: Sequence[float] | np.ndarray) -> list[float]:
    """The corrected p-values, in the same order; none where there are none."""
    if not len(p_values):
        return []
    corrected: list[float] = multipletests(p_values, method="holm")[1].tolist()
    return corrected
