"""Rows that should be equal and differ, and rows or models that should differ and are equal.

One model in one setting has the same numbers in several of the paper's tables. Two models, or one model in two
settings, do not share the common and the counter accuracy. Accuracies below 1% or above 99% may be equal by chance and
are left out. No model of a class-wise table repeats another model's column.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction

from realdata.audit.finding import Ledger
from realdata.audit.printed import CLASS_KEYS, CellPlace, PrintedTables
from realdata.audit.result_rows import Expectation, Expectations, Row, fails, row_places
from workbench.conventions import GROUPS

EQUAL = "same model, same numbers"
COPIED = "different rows, different numbers"
REPEATED = "repeated model"
STATEMENTS = {
    EQUAL: "One checkpoint in one setting (setup, prompt, averaging) has the same numbers in every table.",
    COPIED: "Two models, or one model in two settings, do not share both accuracies to the last decimal; sharing one "
    "is a note.",
    REPEATED: "Two models of a class-wise table do not share both accuracies in more than half of the classes.",
}
_FILE = "results.csv"
_SETTING = ("setup", "prompt", "averaging")
_LOWEST, _HIGHEST = 1, 99

Key = tuple[str, ...]


def keys(tables: PrintedTables) -> dict[int, Key]:
    """Setting and model of each line of results.csv, with Table 6's checkpoint if the line has none."""
    usual = {(row["backbone"], row["pretrain"]): row["checkpoint"] for row in tables.rows["checkpoints.csv"].values()}
    return {
        line: (
            *(row[name] for name in _SETTING),
            row["family"],
            row["backbone"],
            row["pretrain"],
            row["checkpoint"] or usual.get((row["backbone"], row["pretrain"]), ""),
        )
        for line, row in tables.rows[_FILE].items()
    }


def expect_equal(ledger: Ledger, averages: Mapping[CellPlace, Expectation]) -> dict[CellPlace, list[Expectation]]:
    """Collect the expectations from averages and equal rows for every accuracy of results.csv."""
    tables = ledger.tables
    expectations: dict[CellPlace, list[Expectation]] = defaultdict(list)
    groups: dict[Key, list[int]] = defaultdict(list)
    for line, key in keys(tables).items():
        groups[key].append(line)
    for lines in groups.values():
        for group in GROUPS:
            known = [averages[place] for line in lines if (place := CellPlace(_FILE, line, group)) in averages]
            for line in lines:
                expectations[CellPlace(_FILE, line, group)] += known[:1]
    for lines in groups.values():
        if len(lines) > 1:
            _expect_equal(ledger, lines, expectations)
    return {place: found for place, found in expectations.items() if found}


def _expect_equal(ledger: Ledger, lines: list[int], expectations: dict[CellPlace, list[Expectation]]) -> None:
    tables = ledger.tables
    good = [line for line in lines if not fails(tables, row_places(_FILE, line), expectations)]
    reference = (good or lines)[0]
    for line in lines:
        for place in row_places(_FILE, line):
            ledger.look(EQUAL, (place,))
            there = place._replace(line=reference)
            if line != reference and place.column != "drop":
                value = tables.value(there)
                expected = Expectation(EQUAL, (value, value), f"Table {tables.table(_FILE, reference)}")
                expectations[place].append(expected)


def repeat_findings(ledger: Ledger, row: Row, measured: Mapping[int, Key]) -> list[CellPlace]:
    """Mark the accuracies of a row that repeat a wrong number of an equal row, where the finding is.

    Args:
        ledger: the ledger with the findings so far.
        row: the row's cells.
        measured: the result of `keys`.

    Returns:
        These accuracies.
    """
    tables = ledger.tables
    own = row[0].line
    earlier = [line for line, key in measured.items() if line < own and key == measured[own]]
    repeated = []
    for place in row[:2]:
        for there in (place._replace(line=line) for line in earlier):
            if tables.text(there) == tables.text(place) and ledger.has_finding(there, "note"):
                ledger.repeat(place, there)
                repeated.append(place)
                break
    return repeated


def check_copies(ledger: Ledger, expectations: Expectations) -> None:
    """Find rows with the same numbers as a row of another model or setting."""
    tables = ledger.tables
    ledger.look(COPIED, (CellPlace(_FILE, line, group) for line in tables.rows[_FILE] for group in GROUPS))
    for first, second in _pairs(tables):
        rows = [row_places(_FILE, line) for line in (first, second)]
        same = [tables.value(a) == tables.value(b) for a, b in zip(*rows, strict=True)]
        middling = all(_LOWEST < tables.value(place) < _HIGHEST for place in rows[0][:2])
        if all(same[:2]) and middling:
            wrong = [fails(tables, row, expectations) for row in rows]
            source, copy = (second, first) if wrong == [True, False] else (first, second)
            _write_copy(ledger, source, copy, expectations)
        elif any(same[:2]):
            there, column = (row[same.index(True)] for row in rows)
            doubt = _doubt_clause(tables, there, expectations)
            if not ledger.has_finding(column, "note") and _LOWEST < tables.value(column) < _HIGHEST:
                ledger.find(
                    column,
                    COPIED,
                    "note",
                    tables.text(column),
                    f"The same as in {_name(tables, first, second)}{doubt}; of one accuracy alone that can be chance.",
                )


def _doubt_clause(tables: PrintedTables, place: CellPlace, expectations: Expectations) -> str:
    value, unit = tables.value(place), tables.unit(place)
    disagrees = not all(each.holds(value, unit) for each in expectations.get(place, ()))
    return ", where another table contradicts it, so that it may be a copy of this one" if disagrees else ""


def _pairs(tables: PrintedTables) -> Iterator[tuple[int, int]]:
    """Pairs of rows of one model anywhere, or of one table and family, unless they measure the same."""
    measured = keys(tables)
    by_value: dict[tuple[str, Fraction], list[int]] = defaultdict(list)
    for line in measured:
        for group in GROUPS:
            by_value[group, tables.value(CellPlace(_FILE, line, group))].append(line)
    found = {(a, b) for lines in by_value.values() for a in lines for b in lines if a < b}
    for first, second in sorted(found):
        one, two = tables.rows[_FILE][first], tables.rows[_FILE][second]
        one_model = tables.model(_FILE, first) == tables.model(_FILE, second) and one["family"] == two["family"]
        one_table = one["table"] == two["table"] and one["family"] == two["family"]
        if measured[first] != measured[second] and (one_model or one_table):
            yield first, second


def _name(tables: PrintedTables, line: int, seen_from: int) -> str:
    table, row = tables.table(_FILE, line), tables.rows[_FILE][line]
    setting = ", ".join(row[name] for name in _SETTING)
    what = tables.words(CellPlace(_FILE, line, "common"))
    return f"the row of {what}" if table == tables.table(_FILE, seen_from) else f"Table {table} ({what}; {setting})"


def _write_copy(ledger: Ledger, source: int, copy: int, expectations: Expectations) -> None:
    tables = ledger.tables
    row = row_places(_FILE, copy)
    if ledger.has_finding(row[0]) or ledger.has_finding(row[1]):
        return
    expected: dict[CellPlace, str | None] = {}
    because = ""
    for place in row[:2]:
        said = next((each for each in expectations.get(place, ()) if each.rule == EQUAL), None)
        value = None if said is None else tables.text(_same_value(tables, place, said))
        expected[place] = value
        because = because or ("" if said is None else f", where {said.source} gives other numbers for this setting")
    both = " and ".join(tables.text(place) for place in row[:2])
    setting = ", ".join(tables.rows[_FILE][copy][name] for name in _SETTING)
    ledger.find(
        row[0],
        COPIED,
        "error",
        expected[row[0]] or f"not {tables.text(row[0])}",
        f"{both} are those of {_name(tables, source, copy)}, here printed for {setting}{because}: a copy.",
        involved=row,
        corrected=expected,
    )


def _same_value(tables: PrintedTables, place: CellPlace, said: Expectation) -> CellPlace:
    table = said.source.removeprefix("Table ")
    key = keys(tables)[place.line]
    line = next(line for line, each in keys(tables).items() if each == key and tables.table(_FILE, line) == table)
    return place._replace(line=line)


def check_repeated_models(ledger: Ledger) -> None:
    """Compare the models of each class-wise table, pair by pair; the later one counts as the copy."""
    tables = ledger.tables
    for file, key in CLASS_KEYS.items():
        models: dict[tuple[str, str, str], dict[str, int]] = defaultdict(dict)
        accuracies: dict[int, list[float]] = {}
        for line, row in tables.rows[file].items():
            if all(row[group] for group in GROUPS):
                models[tables.table(file, line), *tables.model(file, line)][row[key]] = line
                accuracies[line] = [float(row[group]) for group in GROUPS]  # equal if the printed numbers are
                ledger.look(REPEATED, (CellPlace(file, line, group) for group in GROUPS))
        for (first, lines), (second, others) in itertools.combinations(models.items(), 2):
            if first[0] != second[0]:
                continue
            shared = lines.keys() & others.keys()
            same = [each for each in shared if accuracies[lines[each]] == accuracies[others[each]]]
            if 2 * len(same) > len(shared):
                copies = [CellPlace(file, others[each], group) for each in same for group in GROUPS]
                ledger.find(
                    CellPlace(file, min(others.values()), GROUPS[0]),
                    REPEATED,
                    "error",
                    "other numbers",
                    f"{' '.join(second[1:])} has both accuracies of {' '.join(first[1:])} in {len(same)} of "
                    f"{len(shared)} classes: a copy.",
                    involved=copies,
                    corrected=dict.fromkeys(copies),
                )
