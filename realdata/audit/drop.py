"""The drop is the common minus the counter accuracy, within what rounding the three allows."""

from collections.abc import Callable, Iterable
from fractions import Fraction

from realdata.audit.digits import Proposal, changes
from realdata.audit.printed import Place, PrintedTables
from realdata.audit.rounding import Interval, agrees, rounded

DROP = "drop"
_LISTED = 4  # alternatives that are named
STATEMENT = "The drop is the common minus the counter accuracy, within what the rounding of all three allows."


def drop_holds(
    drop: Fraction, unit: Fraction, common: Interval, counter: Interval, printed: tuple[Fraction, Fraction]
) -> bool:
    """Whether a drop is that of two accuracies, known within intervals, or that of the two as printed.

    Args:
        drop: as printed.
        unit: one in its last decimal.
        common: where the unrounded common accuracy lies.
        counter: where the unrounded counter accuracy lies.
        printed: the two as printed.
    """
    return printed[0] - printed[1] == drop or agrees(drop, unit, (common[0] - counter[1], common[1] - counter[0]))


def row_holds(tables: PrintedTables, places: tuple[Place, Place, Place], values: dict[Place, Fraction]) -> bool:
    """Whether a row's drop holds, its accuracies known as far as they are printed.

    Args:
        tables: that hold it.
        places: of the common and the counter accuracy and the drop.
        values: to use instead of the printed ones.
    """
    common, counter, drop = (values.get(place, tables.value(place)) for place in places)
    common_unit, counter_unit, unit = (tables.unit(place) for place in places)
    return drop_holds(drop, unit, rounded(common, common_unit), rounded(counter, counter_unit), (common, counter))


def candidates(
    tables: PrintedTables, place: Place, holds: Callable[[Fraction], bool], most: int = 100
) -> list[Proposal]:
    """The small mistakes that explain a cell: values in [0, `most`] in size with which everything holds."""
    return [
        proposal
        for proposal in changes(tables.text(place))
        if abs(Fraction(proposal.value)) <= most and holds(Fraction(proposal.value))
    ]


def listed(alternatives: Iterable[tuple[Place, str]]) -> str:
    """Alternatives in words: `common 88.17 or counter 76.20`."""
    words = [f"{place.column} {value}" for place, value in alternatives]
    more = [f"{len(words) - _LISTED} others"] if len(words) > _LISTED else []
    return " or ".join(words[:_LISTED] + more)
