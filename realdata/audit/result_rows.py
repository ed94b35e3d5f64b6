"""Rows with two accuracies and their drop: which cell is wrong, from the drop and from other tables.

The drop is the common minus the counter accuracy, within the rounding of the three.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction

from realdata.audit.arithmetic import Interval, Proposal, agrees, changes, printed_form, rounding_interval
from realdata.audit.finding import Ledger
from realdata.audit.printed import CellPlace, PrintedTables

DROP = "drop"
_LISTED = 4  # alternatives that a sentence names
DROP_STATEMENT = "The drop is the common minus the counter accuracy, within what the rounding of all three allows."


def drop_holds(
    drop: Fraction, unit: Fraction, common: Interval, counter: Interval, printed: tuple[Fraction, Fraction]
) -> bool:
    """Whether a drop is the difference of two accuracies, known within intervals, or of the two printed numbers.

    Args:
        drop: the printed drop.
        unit: one unit of its last decimal.
        common: interval of the unrounded common accuracy.
        counter: interval of the unrounded counter accuracy.
        printed: the two printed accuracies.
    """
    return printed[0] - printed[1] == drop or agrees(drop, unit, (common[0] - counter[1], common[1] - counter[0]))


def row_holds(
    tables: PrintedTables, places: tuple[CellPlace, CellPlace, CellPlace], values: dict[CellPlace, Fraction]
) -> bool:
    """Whether a row's drop is right, given the printed precision of its accuracies.

    Args:
        tables: all tables.
        places: the cells of the common and the counter accuracy and the drop.
        values: values that replace printed ones.
    """
    common, counter, drop = (values.get(place, tables.value(place)) for place in places)
    common_unit, counter_unit, unit = (tables.unit(place) for place in places)
    return drop_holds(
        drop, unit, rounding_interval(common, common_unit), rounding_interval(counter, counter_unit), (common, counter)
    )


def candidates(
    tables: PrintedTables, place: CellPlace, holds: Callable[[Fraction], bool], most: int = 100
) -> list[Proposal]:
    """The small mistakes that explain a cell: values of size in [0, `most`] with which everything is right."""
    return [
        proposal
        for proposal in changes(tables.text(place))
        if abs(value := Fraction(proposal.value)) <= most and holds(value)
    ]


def join_alternatives(alternatives: Iterable[tuple[CellPlace, str]]) -> str:
    """Alternatives in words: `common 88.17 or counter 76.20`."""
    words = [f"{place.column} {value}" for place, value in alternatives]
    more = [f"{len(words) - _LISTED} others"] if len(words) > _LISTED else []
    return " or ".join(words[:_LISTED] + more)


@dataclasses.dataclass(frozen=True)
class Expectation:
    """A number's value by another table.

    Attributes:
        rule: the rule's name.
        exact: interval of the unrounded number.
        source: the tables that it comes from.
        cut: whether the number may be cut off.
        detail: further words about a number that disagrees.
    """

    rule: str
    exact: Interval
    source: str
    cut: bool = False
    detail: str = ""

    def holds(self, value: Fraction, unit: Fraction) -> bool:
        """Whether a printed number agrees."""
        return agrees(value, unit, self.exact, self.cut)

    def nearly_holds(self, value: Fraction, unit: Fraction) -> bool:
        """Whether a printed number agrees if intermediate numbers were cut off too."""
        return self.cut and agrees(value, unit, (self.exact[0] - unit, self.exact[1]), cut=True)


Row = tuple[CellPlace, CellPlace, CellPlace]
Expectations = Mapping[CellPlace, Sequence[Expectation]]


def row_places(file: str, line: int, columns: tuple[str, str, str] = ("common", "counter", "drop")) -> Row:
    """The cells of a row with two accuracies and their drop."""
    first, second, third = columns
    return CellPlace(file, line, first), CellPlace(file, line, second), CellPlace(file, line, third)


def fails(tables: PrintedTables, row: Row, expectations: Expectations) -> bool:
    """Whether a row contradicts its drop or other tables."""
    return not row_holds(tables, row, {}) or any(
        not _is_nearly_right(tables, place, tables.value(place), expectations) for place in row
    )


def _is_nearly_right(tables: PrintedTables, place: CellPlace, value: Fraction, expectations: Expectations) -> bool:
    unit = tables.unit(place)
    return all(each.holds(value, unit) or each.nearly_holds(value, unit) for each in expectations.get(place, ()))


def check_row(
    ledger: Ledger,
    row: Row,
    expectations: Expectations,
    plausible: Callable[[CellPlace, Fraction], bool] = lambda place, value: True,
    doubted: Sequence[CellPlace] = (),
    unless: Sequence[CellPlace] = (),
) -> None:
    """Record what is wrong in a row.

    Args:
        ledger: the ledger to write to.
        row: the row's cells.
        expectations: the expectations of cells from other tables.
        plausible: whether another measurement allows a value in a cell; used only for proposals.
        doubted: accuracies that another rule finds wrong; if there are any, the drop is not wrong.
        unless: accuracies with an error that is recorded for an equal row; then their drop is not checked.
    """
    tables = ledger.tables
    ledger.look(DROP, row)
    for place in row:
        for each in expectations.get(place, ()):
            ledger.look(each.rule, (place,))
    wrong = [place for place in row[:2] if not _is_nearly_right(tables, place, tables.value(place), expectations)]
    repaired = {place: _expected_value(tables, place, expectations) for place in wrong}
    for place in wrong:
        _write_expected(ledger, row, place, repaired, expectations)
    if not wrong:
        _note_cuts(ledger, row, expectations)
    drop_holds = row_holds(tables, row, {}) or (bool(wrong) and row_holds(tables, row, repaired))
    if not drop_holds and not unless:
        _write_drop(ledger, row, wrong, expectations, plausible, doubted)


def _expected_value(tables: PrintedTables, place: CellPlace, expectations: Expectations) -> Fraction:
    failing = _first_contradiction(tables, place, expectations)
    return Fraction(printed_form(_middle(failing), tables.unit(place)))


def _first_contradiction(tables: PrintedTables, place: CellPlace, expectations: Expectations) -> Expectation:
    value, unit = tables.value(place), tables.unit(place)
    return next(each for each in expectations[place] if not each.holds(value, unit))


def _middle(expectation: Expectation) -> Fraction:
    low, high = expectation.exact
    return (low + high) / 2


def _write_expected(
    ledger: Ledger, row: Row, place: CellPlace, repaired: Mapping[CellPlace, Fraction], expectations: Expectations
) -> None:
    tables = ledger.tables
    failing = _first_contradiction(tables, place, expectations)
    others = {other: value for other, value in repaired.items() if other != place}
    proposals = candidates(
        tables,
        place,
        lambda value: (
            _is_nearly_right(tables, place, value, expectations) and row_holds(tables, row, others | {place: value})
        ),
    )
    expected = printed_form(repaired[place], tables.unit(place))
    off = abs(float(tables.value(place) - _middle(failing)))
    drop = "" if row_holds(tables, row, {}) else f"; the drop of {tables.text(row[2])} does not follow from it either"
    ledger.find(
        place,
        failing.rule,
        "error",
        expected,
        f"{failing.source} gives {float(_middle(failing)):.4f}, which is {off:.3g} away{failing.detail}, more than "
        f"rounding explains{drop}.",
        proposals[0] if len(proposals) == 1 else None,
        corrected={place: expected},
    )


def _note_cuts(ledger: Ledger, row: Row, expectations: Expectations) -> None:
    tables = ledger.tables
    for place in row[:2]:
        value, unit = tables.value(place), tables.unit(place)
        for each in expectations.get(place, ()):
            if not each.holds(value, unit):
                middle = _middle(each)
                ledger.find(
                    place,
                    each.rule,
                    "note",
                    printed_form(middle, unit),
                    f"{each.source} gives {float(middle):.4f}: less than two units of the last decimal above, which "
                    "cutting off the class accuracies and then the mean explains.",
                )


def _write_drop(
    ledger: Ledger,
    row: Row,
    wrong: Sequence[CellPlace],
    expectations: Expectations,
    plausible: Callable[[CellPlace, Fraction], bool],
    doubted: Sequence[CellPlace],
) -> None:
    tables = ledger.tables
    common, counter, drop = row
    difference = printed_form(tables.value(common) - tables.value(counter), tables.unit(drop))
    # An accuracy that another table confirms is not wrong.
    suspects = [place for place in row if place not in wrong and not (place in row[:2] and expectations.get(place))]
    if doubted:
        suspects = list(doubted)
    proposals = [
        (place, proposal)
        for place in suspects
        for proposal in candidates(
            tables,
            place,
            lambda value, place=place: row_holds(tables, row, {place: value}) and plausible(place, value),  # type: ignore[misc]
        )
    ]
    sentence = f"{tables.text(common)} - {tables.text(counter)} is {difference}, not {tables.text(drop)}"
    if suspects == [drop] or not any(place in suspects for place in row[:2]):
        one = proposals[0][1] if len(proposals) == 1 else None
        why = "both accuracies agree with other tables"
        ledger.find(drop, DROP, "error", one.value if one else difference, f"{sentence}; {why}.", one)
        return
    left_out: dict[CellPlace, str | None] = dict.fromkeys((common, counter))
    if len(proposals) == 1:
        ((place, proposal),) = proposals
        fixed: dict[CellPlace, str | None] = {place: proposal.value} if place != drop else {}
        ledger.find(place, DROP, "error", proposal.value, f"{sentence}; with {place.column} {proposal.value} "
                    "everything fits.", proposal, involved=row, corrected=fixed)  # fmt: skip
        return
    alternatives = join_alternatives((place, proposal.value) for place, proposal in proposals)
    if proposals:
        ending = f"not unique: {alternatives} would fit by one small mistake"
    else:
        ending = "no one small mistake in any of the three explains it"
    if doubted:
        return  # the rule that doubts them records it
    expected = f"{difference}, or {alternatives}" if alternatives else difference
    ledger.find(drop, DROP, "error", expected, f"{sentence}; {ending}.", involved=row, corrected=left_out)
