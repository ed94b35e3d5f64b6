"""The rows of the class-wise tables: which cell of a row is wrong, and its possible correct values.

A row is consistent if both accuracies are k/n and the drop is their difference. Otherwise the accuracy that is not k/n
is wrong. If both are k/n, the wrong cell is any of the three for which correcting a small mistake makes the row
consistent, or the drop if there is none. If several are possible, the printed average of the model decides
(`realdata.audit.averages`).
"""

import dataclasses
from collections.abc import Mapping
from fractions import Fraction

from realdata.audit.arithmetic import Interval, Proposal, printed_form, rounding_interval
from realdata.audit.finding import Ledger
from realdata.audit.photo_counts import SHARE, Key, share
from realdata.audit.printed import CellPlace, PrintedTables
from realdata.audit.result_rows import DROP, candidates, drop_holds, join_alternatives
from workbench.conventions import GROUPS

_FILE = "classwise.csv"
SAME = "class-wise rows of one model"
STATEMENT = "A model that stands in two class-wise tables has the same numbers in both."


@dataclasses.dataclass(frozen=True)
class Option:
    """Possible true accuracies of a row.

    Attributes:
        accuracies: accuracies in % by group, exactly k/n if known.
        place: the cell that is wrong in this case; None for a consistent row.
        proposal: the small mistake in that cell.
    """

    accuracies: Mapping[str, Interval]
    place: CellPlace | None = None
    proposal: Proposal | None = None


@dataclasses.dataclass
class ClassRow:
    """A class of a model.

    Attributes:
        line: the line in the file.
        table: the table's number.
        model: backbone and pre-training set.
        class_id: the class.
        options: its possible accuracies; a consistent row has one.
    """

    line: int
    table: str
    model: tuple[str, str]
    class_id: str
    options: list[Option]

    @property
    def consistent(self) -> bool:
        """Whether no cell of the row is wrong."""
        return self.options[0].place is None


def read_rows(ledger: Ledger, photos: Mapping[Key, int | None]) -> list[ClassRow]:
    """Read every row, given the number of photos of each class and group; findings are not recorded yet."""
    tables = ledger.tables
    rows = []
    for line, row in tables.rows[_FILE].items():
        counts = {group: photos[row["class_id"], group] for group in GROUPS}
        ledger.look(DROP, (CellPlace(_FILE, line, column) for column in (*GROUPS, "drop")))
        ledger.look(SHARE, (CellPlace(_FILE, line, group) for group in GROUPS if counts[group] is not None))
        options = _options(tables, line, counts)
        rows.append(ClassRow(line, row["table"], tables.model(_FILE, line), row["class_id"], options))
    _join_tables(ledger, rows)
    return rows


def _exact(tables: PrintedTables, place: CellPlace, value: Fraction, photos: int | None) -> Interval | None:
    if photos is None:
        return rounding_interval(value, tables.unit(place))
    exact = share(value, tables.unit(place), photos)
    return None if exact is None else (exact, exact)


def _options(tables: PrintedTables, line: int, photos: Mapping[str, int | None]) -> list[Option]:
    places = {column: CellPlace(_FILE, line, column) for column in (*GROUPS, "drop")}
    values = {column: tables.value(place) for column, place in places.items()}
    exact = {group: _exact(tables, places[group], values[group], photos[group]) for group in GROUPS}

    def holds(new: dict[str, Fraction]) -> bool:
        now = values | new
        both = [_exact(tables, places[group], now[group], photos[group]) for group in GROUPS]
        if both[0] is None or both[1] is None:
            return False
        return drop_holds(now["drop"], tables.unit(places["drop"]), both[0], both[1], (now["common"], now["counter"]))

    as_printed = {
        group: each or rounding_interval(values[group], tables.unit(places[group])) for group, each in exact.items()
    }
    if holds({}):
        return [Option(as_printed)]
    wrong = [group for group in GROUPS if exact[group] is None]
    options = []
    for group in wrong or GROUPS:
        for proposal in candidates(tables, places[group], lambda value, group=group: holds({group: value})):  # type: ignore[misc]
            value = _exact(tables, places[group], Fraction(proposal.value), photos[group])
            assert value is not None
            options.append(Option(as_printed | {group: value}, places[group], proposal))
    if wrong:
        anything = (Fraction(0), Fraction(100))
        return options or [Option(as_printed | dict.fromkeys(wrong, anything), places[wrong[0]])]
    slips = candidates(tables, places["drop"], lambda value: holds({"drop": value}))
    options.append(Option(as_printed, places["drop"], slips[0] if len(slips) == 1 else None))
    return options


def _join_tables(ledger: Ledger, rows: list[ClassRow]) -> None:
    """Compare a model's rows in two tables: a consistent row decides; if both are, the later is doubted."""
    tables = ledger.tables
    first: dict[tuple[tuple[str, str], str], ClassRow] = {}
    for row in rows:
        other = first.setdefault((row.model, row.class_id), row)
        if other is row:
            continue
        pairs = [
            (CellPlace(_FILE, other.line, column), CellPlace(_FILE, row.line, column)) for column in (*GROUPS, "drop")
        ]
        ledger.look(SAME, (place for pair in pairs for place in pair))
        if other.consistent == row.consistent:
            if row.consistent:
                _record_doubt(
                    ledger, row, other, [pair for pair in pairs if tables.value(pair[0]) != tables.value(pair[1])]
                )
            continue
        good, bad = (other, row) if other.consistent else (row, other)
        differing = [group for group in GROUPS if tables.value(CellPlace(_FILE, good.line, group))
                     != tables.value(CellPlace(_FILE, bad.line, group))]  # fmt: skip
        place = CellPlace(_FILE, bad.line, differing[0] if differing else "drop")
        text = tables.text(place._replace(line=good.line))
        proposals = candidates(tables, place, lambda value, text=text: value == Fraction(text))  # type: ignore[misc]
        bad.options = [
            Option(good.options[0].accuracies, place, proposals[0] if proposals else Proposal(text, "another table"))
        ]


def _record_doubt(ledger: Ledger, row: ClassRow, other: ClassRow, pairs: list[tuple[CellPlace, CellPlace]]) -> None:
    tables = ledger.tables
    if pairs:
        there, here = pairs[0]
        ledger.find(
            here,
            SAME,
            "error",
            tables.text(there),
            f"Table {other.table} gives {tables.text(there)} for the same model and class; one of the two is wrong.",
            involved=[place for pair in pairs for place in pair],
            corrected={place: tables.text(same) for same, place in pairs if place.column in GROUPS},
        )
        row.options = other.options


def write_findings(ledger: Ledger, rows: list[ClassRow]) -> None:
    """Record what is wrong in the rows, after the averages have chosen among their options."""
    for row in rows:
        if not row.consistent:
            _write(ledger, row)


def _write(ledger: Ledger, row: ClassRow) -> None:
    tables = ledger.tables
    places = {column: CellPlace(_FILE, row.line, column) for column in (*GROUPS, "drop")}
    texts = {column: tables.text(place) for column, place in places.items()}
    sentence = f"{texts['common']} - {texts['counter']} is printed as a drop of {texts['drop']}"
    options = [option for option in row.options if option.place is not None]
    if len(options) > 1:
        choices = [(option.place, option.proposal.value) for option in options if option.place and option.proposal]
        ledger.find(
            places["drop"],
            DROP,
            "error",
            join_alternatives(choices) or _difference(tables, row),
            f"{sentence}; no rule says which of the three is wrong.",
            involved=places.values(),
            corrected={places[group]: None for group in GROUPS},
        )
        return
    (option,) = options
    place = option.place
    assert place is not None
    if place.column == "drop":
        why = "both accuracies are whole photos, and no small mistake in either explains it"
        expected = option.proposal.value if option.proposal else _difference(tables, row)
        ledger.find(place, DROP, "error", expected, f"{sentence}; {why}.", option.proposal)
        return
    rule, why = (DROP, sentence) if _is_share(ledger, place, row) else (SHARE, _no_share(ledger, place, row))
    expected = option.proposal.value if option.proposal else "a whole number of photos"
    by_table = option.proposal is not None and option.proposal.change == "another table"
    ledger.find(
        place,
        rule,
        "error",
        expected,
        f"{why}; {expected} makes the row consistent." if option.proposal else f"{why}.",
        None if by_table else option.proposal,
        corrected={place: option.proposal.value if option.proposal else None},
    )


def _difference(tables: PrintedTables, row: ClassRow) -> str:
    exact = row.options[-1].accuracies
    return printed_form(exact["common"][0] - exact["counter"][0], tables.unit(CellPlace(_FILE, row.line, "drop")))


def _photo_count(ledger: Ledger, place: CellPlace, row: ClassRow) -> int:
    classes = ledger.tables.rows["classes.csv"]
    line = next(line for line, each in classes.items() if each["class_id"] == row.class_id)
    where = CellPlace("classes.csv", line, f"{place.column}_photos")
    return int(ledger.corrections.get(where) or ledger.tables.text(where))


def _is_share(ledger: Ledger, place: CellPlace, row: ClassRow) -> bool:
    value, unit = ledger.tables.value(place), ledger.tables.unit(place)
    return share(value, unit, _photo_count(ledger, place, row)) is not None


def _no_share(ledger: Ledger, place: CellPlace, row: ClassRow) -> str:
    return f"{ledger.tables.text(place)}% is no whole number of {_photo_count(ledger, place, row)} photos"
