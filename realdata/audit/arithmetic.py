"""The possible origins of a printed number: before it was rounded, and before a small typing mistake.

A number printed to a unit u (0.01 for two decimals) stands for [v - u/2, v + u/2] if it was rounded, and for [v, v + u)
if it was cut off, towards 0; both are exact in fractions. Rounding is always allowed. Cutting is allowed only if more
of a table's recomputed numbers agree with cutting than with rounding (`is_cut_off`).
"""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

Interval = tuple[Fraction, Fraction]


@dataclasses.dataclass(frozen=True)
class Evidence:
    """How one column of a table was rounded, as far as it can be recomputed.

    Attributes:
        table: the table's number.
        what: which numbers were recomputed, in words.
        decimals: number of printed decimals.
        recomputed: how many numbers were recomputed.
        rounded: how many of them agree with rounding.
        cut: how many of them agree with cutting off.
    """

    table: str
    what: str
    decimals: int
    recomputed: int
    rounded: int
    cut: int


def rounding_interval(value: Fraction, unit: Fraction) -> Interval:
    """The interval of a rounded number's origins, both ends included."""
    return value - unit / 2, value + unit / 2


def agrees(value: Fraction, unit: Fraction, exact: Interval, cut: bool = False) -> bool:
    """Whether a printed number can come from a number in the interval `exact`.

    Args:
        value: the printed number.
        unit: one unit of its last decimal.
        exact: the interval of the unrounded number.
        cut: whether it may also have been cut off.
    """
    low, high = rounding_interval(value, unit)
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
    """Count the printed numbers (value, unit, interval of the unrounded number) that agree with each way to round."""
    unit = numbers[0][1] if numbers else Fraction(1)
    return Evidence(
        table,
        what,
        len(str(unit.denominator)) - 1,
        len(numbers),
        sum(agrees(*number) for number in numbers),
        sum(_cut_agrees(*number) for number in numbers),
    )


def is_cut_off(found: Evidence) -> bool:
    """Whether a table's numbers were cut off and not rounded."""
    return found.cut > found.rounded


def printed_form(value: Fraction, unit: Fraction) -> str:
    """A number as the table would print it, rounded."""
    return f"{float(value):.{len(str(unit.denominator)) - 1}f}"


class Proposal(NamedTuple):
    """A value that satisfies every rule, and the mistake that turns it into the printed one."""

    value: str
    change: str


def changes(text: str, lost: bool = False) -> Iterator[Proposal]:
    """All numbers that one mistake turns into the printed one, each once.

    Args:
        text: the printed digits, with at most one point and a sign.
        lost: whether a digit may also have been lost or added, as in counts.
    """
    seen = {text}
    for proposal in _all_changes(text, lost):
        if proposal.value not in seen and not _is_padded(proposal.value):
            seen.add(proposal.value)
            yield proposal


def _all_changes(text: str, lost: bool) -> Iterator[Proposal]:
    for index, character in enumerate(text):
        if character.isdigit():
            for digit in "0123456789":
                yield Proposal(text[:index] + digit + text[index + 1 :], "one digit")
    digits = [index for index, character in enumerate(text) if character.isdigit()]
    for left, right in itertools.pairwise(digits):
        characters = list(text)
        characters[left], characters[right] = characters[right], characters[left]
        yield Proposal("".join(characters), "transposition")
    if lost:
        for index in range(len(text) + 1):
            for digit in "0123456789":
                yield Proposal(text[:index] + digit + text[index:], "lost digit")
        for index in digits if len(digits) > 1 else []:
            yield Proposal(text[:index] + text[index + 1 :], "added digit")


def _is_padded(text: str) -> bool:
    whole = text.lstrip("-").partition(".")[0]
    return len(whole) > 1 and whole.startswith("0")
