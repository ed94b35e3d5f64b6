"""What a printed number can stand for: an interval, exact in fractions.

A number printed to a unit u (0.01 for two decimals) stands for [v - u/2, v + u/2] if it was rounded, and for [v, v + u)
if it was cut off, towards 0. Rounding is always allowed; cutting only where the numbers of a table that can be
recomputed agree with cutting in more places than with rounding (`cut_by_evidence`).
"""

import dataclasses
from collections.abc import Sequence
from fractions import Fraction

Interval = tuple[Fraction, Fraction]


@dataclasses.dataclass(frozen=True)
class Evidence:
    """How one column of a table was rounded, as far as it can be recomputed.

    Attributes:
        table: its number.
        what: the numbers that were recomputed.
        decimals: that are printed.
        recomputed: how many numbers were.
        rounded: how many of them agree with rounding.
        cut: how many agree with cutting off.
    """

    table: str
    what: str
    decimals: int
    recomputed: int
    rounded: int
    cut: int


def rounded(value: Fraction, unit: Fraction) -> Interval:
    """What a rounded number stands for, both ends included."""
    return value - unit / 2, value + unit / 2


def agrees(value: Fraction, unit: Fraction, exact: Interval, cut: bool = False) -> bool:
    """Whether a number printed as `value` can come from one in the interval `exact`.

    Args:
        value: printed.
        unit: one in its last decimal.
        exact: where the unrounded number lies.
        cut: whether it may also have been cut off.
    """
    low, high = rounded(value, unit)
    if low <= exact[1] and exact[0] <= high:
        return True
    return cut and _cut_agrees(value, unit, exact)


def _cut_agrees(value: Fraction, unit: Fraction, exact: Interval) -> bool:
    if value > 0:
        return value <= exact[1] and exact[0] < value + unit
    if value < 0:
        return value - unit < exact[1] and exact[0] <= value
    return -unit < exact[1] and exact[0] < unit


def evidence(table: str, what: str, numbers: Sequence[tuple[Fraction, Fraction, Interval]]) -> Evidence:
    """Count the printed numbers (value, unit, where the unrounded one lies) that agree with each way."""
    unit = numbers[0][1] if numbers else Fraction(1)
    return Evidence(
        table,
        what,
        len(str(unit.denominator)) - 1,
        len(numbers),
        sum(agrees(*number) for number in numbers),
        sum(_cut_agrees(*number) for number in numbers),
    )


def cut_by_evidence(found: Evidence) -> bool:
    """Whether a table's numbers were cut off rather than rounded."""
    return found.cut > found.rounded


def shown(value: Fraction, unit: Fraction) -> str:
    """A number as the table would print it, rounded."""
    return f"{float(value):.{len(str(unit.denominator)) - 1}f}"
