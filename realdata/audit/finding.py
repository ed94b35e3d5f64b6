"""The results of the audit: findings, the state of each cell, corrections."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from realdata.audit.arithmetic import Evidence, Proposal
from realdata.audit.printed import NUMBERS, CellPlace, PrintedTables
from workbench.conventions import GROUPS

SEVERITIES = ("error", "warning", "note")
_CLAIMED = (*GROUPS, *(f"{group}_photos" for group in GROUPS))  # columns that claims use


@dataclasses.dataclass(frozen=True)
class Finding:
    """A finding of a rule.

    Attributes:
        table: number of the paper's table, `Fig. 3`, `section 4` or `replication`.
        row: the row's words: class, backbone, pre-training set.
        column: the column's name in the file.
        printed: the value in the file.
        expected: possible values, rounded as printed.
        rule: the rule's name.
        severity: `error` (cannot be true as printed), `warning` (very unlikely, or another source contradicts it) or
            `note`.
        explanation: the evidence, in a sentence.
        proposal: the only small mistake that explains it, if there is just one.
        file: the CSV file.
        line: the line in the file; the header is line 1.
    """

    table: str
    row: str
    column: str
    printed: str
    expected: str
    rule: str
    severity: str
    explanation: str
    proposal: Proposal | None
    file: str
    line: int

    @property
    def place(self) -> CellPlace:
        """The cell."""
        return CellPlace(self.file, self.line, self.column)

    def as_json(self) -> dict[str, Any]:
        """Plain values, the proposal as `value` and `change`."""
        return dataclasses.asdict(self) | {"proposal": self.proposal and self.proposal._asdict()}


@dataclasses.dataclass(frozen=True)
class Cell:
    """A number, and the rules' result for it.

    Attributes:
        file: the CSV file.
        table: as in `Finding`.
        line: the line in the file.
        row: the row's words.
        column: the column's name in the file.
        value: the value in the file.
        status: `error`, `warning`, `note`, `consistent` or `unchecked`.
        rules: names of the rules that checked it.
    """

    file: str
    table: str
    line: int
    row: str
    column: str
    value: str
    status: str
    rules: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Correction:
    """A number that claims use and that is wrong as printed.

    Attributes:
        file: the CSV file.
        line: the line in the file.
        table: as in `Finding`.
        row: the row's words.
        column: the column's name in the file.
        printed: the value in the file.
        corrected: the value to use; None if no single value fits and the row must be left out.
    """

    file: str
    line: int
    table: str
    row: str
    column: str
    printed: str
    corrected: str | None


class Ledger:
    """A record of what the rules checked and what they found."""

    def __init__(self, tables: PrintedTables):
        self.tables = tables
        self.findings: list[Finding] = []
        self.rounding: list[Evidence] = []
        self.corrections: dict[CellPlace, str | None] = {}
        self._rules: dict[CellPlace, set[str]] = {}
        self._status: dict[CellPlace, str] = {}

    def look(self, rule: str, places: Iterable[CellPlace]) -> None:
        """Record that a rule checked these cells."""
        for place in places:
            self._rules.setdefault(place, set()).add(rule)

    def is_confirmed(self, place: CellPlace, rule: str) -> bool:
        """Whether a rule checked the cell and found nothing wrong."""
        return rule in self._rules.get(place, ()) and place not in self._status

    def find(
        self,
        place: CellPlace,
        rule: str,
        severity: str,
        expected: str,
        explanation: str,
        proposal: Proposal | None = None,
        involved: Iterable[CellPlace] = (),
        corrected: Mapping[CellPlace, str | None] | None = None,
    ) -> None:
        """Record a finding.

        Args:
            place: the cell that it is about.
            rule: the rule's name.
            severity: one of `SEVERITIES`.
            expected: possible values of the cell.
            explanation: the evidence.
            proposal: a unique small mistake.
            involved: other cells that may be wrong instead.
            corrected: the values to use for cells; the first correction of a cell stays.
        """
        tables = self.tables
        self.findings.append(
            Finding(
                tables.table(place.file, place.line),
                tables.words(place),
                place.column,
                tables.text(place),
                expected,
                rule,
                severity,
                explanation,
                proposal,
                place.file,
                place.line,
            )
        )
        self.look(rule, (place,))
        for each in (place, *involved):
            known = self._status.get(each, SEVERITIES[-1])
            self._status[each] = min(known, severity, key=SEVERITIES.index)
        for each, text in (corrected or {}).items():
            self.corrections.setdefault(each, text)

    def repeat(self, place: CellPlace, there: CellPlace) -> None:
        """Copy the state and the correction of a cell to another cell that repeats it."""
        self._status[place] = self._status[there]
        if there in self.corrections:
            self.corrections.setdefault(place, self.corrections[there])

    def has_finding(self, place: CellPlace, severity: str = "error") -> bool:
        """Whether there is a finding of at least this severity about the cell, or one that involves it."""
        status = self._status.get(place)
        return status is not None and SEVERITIES.index(status) <= SEVERITIES.index(severity)

    def cells(self) -> list[Cell]:
        """Every measured number of every file."""
        tables = self.tables
        return [
            Cell(
                file,
                tables.table(file, place.line),
                place.line,
                tables.words(place),
                place.column,
                tables.text(place),
                self._status.get(place) or ("consistent" if place in self._rules else "unchecked"),
                tuple(sorted(self._rules.get(place, ()))),
            )
            for file in NUMBERS
            for place in tables.places(file)
        ]

    def list_corrections(self) -> list[Correction]:
        """The corrections of numbers that claims use, in the order of files and lines."""
        tables = self.tables
        return [
            Correction(
                place.file,
                place.line,
                tables.table(place.file, place.line),
                tables.words(place),
                place.column,
                tables.text(place),
                text,
            )
            for place, text in sorted(self.corrections.items())
            if place.column in _CLAIMED
        ]
