"""Means over classes as random effects: classes differ by more than their photos' errors."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.stats import chi2
from scipy.stats import t as student_t
from statsmodels.stats.meta_analysis import combine_effects

from workbench.conventions import LEVEL


class Pooled(NamedTuple):
    """A mean over classes.

    Attributes:
        mean: by DerSimonian and Laird.
        interval: its 95% interval, by Hartung and Knapp, or the wider one without their factor.
        spread: standard deviation between classes beyond their own errors.
        p_value: of the test that the mean is the given value, two-sided.
        heterogeneity_p_value: of the test that all classes have one value (Cochran's Q).
    """

    mean: float
    interval: tuple[float, float]
    spread: float
    p_value: float
    heterogeneity_p_value: float


def pool(effects: Float[np.ndarray, " classes"], variances: Float[np.ndarray, " classes"], null: float = 0.0) -> Pooled:
    """Mean of the classes' effects; at least 2.

    Args:
        effects: of each class.
        variances: of their errors.
        null: value that the mean is tested against.
    """
    with np.errstate(invalid="ignore"):
        found = combine_effects(effects, variances, method_re="dl", use_t=True)
    freedom = len(effects) - 1
    if found.tau2 > 0:
        mean, error = float(found.mean_effect_re), float(max(found.sd_eff_w_re, found.sd_eff_w_re_hksj))
    else:  # the classes differ by less than their errors: there is nothing between them
        mean, error = float(found.mean_effect_fe), float(found.sd_eff_w_fe)
    half = float(student_t.ppf(1 - LEVEL / 2, freedom)) * error
    return Pooled(
        mean,
        (mean - half, mean + half),
        float(np.sqrt(max(0.0, found.tau2))),
        float(2 * student_t.sf(abs(mean - null) / error, freedom)),
        float(chi2.sf(found.q, freedom)),
    )
