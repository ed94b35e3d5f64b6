"""Several tests at once: p-values corrected by Holm's method.

statsmodels has the same, which runs Python's garbage collector each time: a second in a process that holds much.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float


def correct_by_holm(p_values: Sequence[float] | Float[np.ndarray, " tests"]) -> Float[np.ndarray, " tests"]:
    """Each p-value corrected for all of them (Holm 1979), to the bits of statsmodels' `multipletests`.

    The smallest of n is multiplied by n, the next by n - 1, and so on; none gets smaller than the one before it.

    Args:
        p_values: of the tests, shape (tests,); it may be empty.

    Returns:
        At most 1, in the order given.
    """
    given = np.asarray(p_values, float)
    order = np.argsort(given)
    corrected = np.empty_like(given)
    corrected[order] = np.minimum(np.maximum.accumulate(given[order] * np.arange(len(given), 0, -1)), 1.0)
    return corrected
