"""Statistics that the questions of `realdata.reliance` share: one correction for all of them, and means over classes.

A row's verdict depends on its p-values after the correction, which needs the p-values of all other questions. So a
`Question` holds the p-values, and makes the row once the correction is known.
"""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from jaxtyping import Float
from scipy.stats import chi2
from statsmodels.stats.meta_analysis import combine_effects

from realdata.statistics import holm as corrections
from realdata.statistics.student import quantile, tail
from workbench.conventions import LEVEL

Row = TypeVar("Row")
# From a p-value to its corrected one.
Correction = Callable[[float], float]


@dataclasses.dataclass(frozen=True)
class Question(Generic[Row]):
    """A question to the data.

    Attributes:
        p_values: its p-values before the correction.
        answer: takes the correction, and makes the row with its verdict.
    """

    p_values: tuple[float, ...]
    answer: Callable[[Correction], Row]


def holm(questions: Iterable[Question[Any]]) -> Correction:
    """Correct the p-values of all questions together, by Holm's method."""
    p_values = [p for question in questions for p in question.p_values]
    # Equal p-values have equal corrected ones.
    return dict(zip(p_values, corrections.holm(p_values), strict=True)).__getitem__


class Pooled(NamedTuple):
    """A mean over classes.

    Attributes:
        mean: the mean by DerSimonian and Laird.
        interval: its 95% interval by Hartung and Knapp, or the interval without their factor if that is wider.
        spread: standard deviation between classes beyond their own errors.
        p_value: two-sided p-value of the test that the mean is the given value.
        heterogeneity_p_value: p-value of the test that all classes have one value (Cochran's Q).
    """

    mean: float
    interval: tuple[float, float]
    spread: float
    p_value: float
    heterogeneity_p_value: float


def pool(effects: Float[np.ndarray, " classes"], variances: Float[np.ndarray, " classes"], null: float = 0.0) -> Pooled:
    """The random-effects mean of at least 2 classes' effects, since classes differ by more than their photos' errors.

    Args:
        effects: the effect of each class.
        variances: the variances of the effects' errors.
        null: value that the mean is tested against.
    """
    with np.errstate(invalid="ignore"):
        found = combine_effects(effects, variances, method_re="dl", use_t=True)
    freedom = float(len(effects) - 1)
    if found.tau2 > 0:
        mean, error = float(found.mean_effect_re), float(max(found.sd_eff_w_re, found.sd_eff_w_re_hksj))
    else:  # the classes differ by no more than their errors
        mean, error = float(found.mean_effect_fe), float(found.sd_eff_w_fe)
    half = quantile(1 - LEVEL / 2, freedom) * error
    return Pooled(
        mean,
        (mean - half, mean + half),
        float(np.sqrt(max(0.0, found.tau2))),
        2 * tail(abs(mean - null) / error, freedom),
        float(chi2.sf(found.q, freedom)),
    )
