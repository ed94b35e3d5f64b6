"""A question to the data, and one correction for all questions of the program.

What a row says depends on its p-values after the correction, which needs the p-values of all the other questions. So a
`Question` holds the p-values, and makes the row once the correction is known.
"""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from statsmodels.stats.multitest import multipletests

from workbench.conventions import LEVEL

Row = TypeVar("Row")
# From a p-value to its corrected one.
Correction = Callable[[float], float]


@dataclasses.dataclass(frozen=True)
class Question(Generic[Row]):
    """What is asked once.

    Attributes:
        p_values: that count in the correction; not corrected.
        answer: makes the row, verdict and all, given the correction.
    """

    p_values: tuple[float, ...]
    answer: Callable[[Correction], Row]


def holm(questions: Iterable[Question[Any]]) -> Correction:
    """Correct the p-values of all questions together, by Holm's method."""
    asked = [p for question in questions for p in question.p_values]
    corrected = multipletests(asked, alpha=LEVEL, method="holm")[1] if asked else []
    # Equal p-values have equal corrected ones.
    return dict(zip(asked, map(float, corrected), strict=True)).__getitem__
