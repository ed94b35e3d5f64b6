"""Rounding, whole photos and small mistakes."""

from fractions import Fraction

import pytest

from realdata.audit.arithmetic import agrees, changes
from realdata.audit.photo_counts import share, suitable_counts

CENT = Fraction(1, 100)


@pytest.mark.parametrize(
    ("value", "exact", "cut", "expected"),
    [
        ("52.17", "52.178", False, False),  # Table 3's ViT/B/16: cut off, not rounded
        ("52.17", "52.178", True, True),
        ("52.18", "52.178", False, True),
        ("-2.71", "-2.7188", True, True),  # towards 0
        ("-2.72", "-2.7102", True, False),
        ("0.00", "-0.004", False, True),
        ("40.7", "40.705", False, True),  # a tie may go either way
    ],
)
def test_rounding_and_cutting(value, exact, cut, expected):
    assert agrees(Fraction(value), CENT, (Fraction(exact), Fraction(exact)), cut) is expected


def test_whole_photos():
    assert share(Fraction("85.33"), CENT, 259) == Fraction(22100, 259)
    assert share(Fraction("85.33"), CENT, 25) is None
    assert share(Fraction("62.22"), CENT, 222) is None and share(Fraction("62.22"), CENT, 45) == Fraction(2800, 45)
    five = [(Fraction(text), CENT) for text in ("85.33", "59.85", "83.78", "64.86", "60.62")]
    assert suitable_counts(five, 600) == [259, 518]


def test_small_mistakes():
    assert "259" in {each.value for each in changes("25", lost=True)} and "259" not in {
        each.value for each in changes("25")
    }
    made = {each.value: each.change for each in changes("93.64", lost=True)}
    assert made["83.64"] == "one digit" and made["39.64"] == "transposition" and made["93.46"] == "transposition"
    assert made["9.64"] == "added digit" and "03.64" not in made and "93.64" not in made
