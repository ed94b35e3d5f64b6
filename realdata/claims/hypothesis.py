"""What a claim says of an effect, and p-values for and against it.

All p-values are two-sided: a claim is supported at 5% exactly where the 95% interval lies wholly where the claim puts
the effect, and contradicted where it lies wholly where the opposite does.
"""

import dataclasses
import math
from collections.abc import Sequence

from scipy.stats import t as student_t

from realdata.claims.claim_test import LEVEL


@dataclasses.dataclass(frozen=True)
class Estimate:
    """An effect with its error.

    Attributes:
        effect: in the hypothesis' unit.
        stderr: above 0.
        freedom: of Student's t; infinite for a normal error.
    """

    effect: float
    stderr: float
    freedom: float = math.inf

    @property
    def interval(self) -> tuple[float, float]:
        """95%."""
        half_width = float(student_t.ppf(1 - LEVEL / 2, self.freedom)) * self.stderr
        return (self.effect - half_width, self.effect + half_width)

    def p_beyond(self, bound: float, direction: int) -> float:
        """That the effect is not above (direction 1) or below (-1) the bound, two-sided."""
        return min(1.0, float(2 * student_t.sf(direction * (self.effect - bound) / self.stderr, self.freedom)))


@dataclasses.dataclass(frozen=True)
class Hypothesis:
    """Where a claim puts an effect.

    Attributes:
        null: the null hypothesis, in words.
        unit: of the effect.
        claimed: bounds with the direction in which the effect lies beyond them, all of which must hold.
        opposite: the bound and direction of the opposite.
    """

    null: str
    unit: str
    claimed: tuple[tuple[float, int], ...]
    opposite: tuple[float, int]

    def p_values(self, estimate: Estimate) -> tuple[float, float]:
        """For the claim and for its opposite."""
        return (
            max(estimate.p_beyond(bound, direction) for bound, direction in self.claimed),
            estimate.p_beyond(*self.opposite),
        )

    def p_values_of_all(self, estimates: Sequence[Estimate]) -> tuple[float, float]:
        """That every effect is as claimed (intersection-union), and that one is the opposite (Bonferroni)."""
        single = [self.p_values(estimate) for estimate in estimates]
        return max(p for p, _ in single), min(1.0, len(single) * min(opposite for _, opposite in single))


def negative(null: str, unit: str) -> Hypothesis:
    """The claim that an effect is below 0."""
    return Hypothesis(null, unit, ((0.0, -1),), (0.0, 1))


def positive(null: str, unit: str) -> Hypothesis:
    """The claim that an effect is above 0."""
    return Hypothesis(null, unit, ((0.0, 1),), (0.0, -1))
