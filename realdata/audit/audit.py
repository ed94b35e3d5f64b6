"""All rules, in an order in which each can use the results of earlier ones."""

import contextlib
import dataclasses
import functools
import hashlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from realdata.audit import (
    agreement,
    averages,
    class_agreement,
    classwise,
    photo_counts,
    repeated,
    replication,
    result_rows,
    tables_6_to_8,
)
from realdata.audit.arithmetic import Evidence
from realdata.audit.finding import SEVERITIES, Cell, Correction, Finding, Ledger
from realdata.audit.printed import CellPlace, read_printed_tables
from realdata.audit.result_rows import Expectation, Row, check_row, row_places

RULES = {
    result_rows.DROP: result_rows.DROP_STATEMENT,
    **photo_counts.STATEMENTS,
    classwise.SAME: classwise.STATEMENT,
    **averages.STATEMENTS,
    **repeated.STATEMENTS,
    photo_counts.TOTAL: photo_counts.TOTAL_STATEMENT,
    **tables_6_to_8.STATEMENTS,
    **replication.STATEMENTS,
    agreement.AGREEMENT: agreement.STATEMENT,
    **class_agreement.STATEMENTS,
}


@dataclasses.dataclass(frozen=True)
class Audit:
    """The result of all rules on a folder of tables.

    Attributes:
        findings: errors first, then warnings, then notes; each in the order of files and lines.
        cells: every measured number.
        corrections: corrections of wrong numbers that claims use.
        rounding: how the tables were rounded, as far as it shows.
        photos: how many photos each class and group has, by each source.
    """

    findings: tuple[Finding, ...]
    cells: tuple[Cell, ...]
    corrections: tuple[Correction, ...]
    rounding: tuple[Evidence, ...]
    photos: tuple[replication.PhotoCount, ...]

    def counts(self) -> dict[str, int]:
        """The number of findings of each severity."""
        return {name: sum(finding.severity == name for finding in self.findings) for name in SEVERITIES}

    def as_json(self) -> dict[str, Any]:
        """The content that the program prints with `--json`."""
        return {
            "findings": [finding.as_json() for finding in self.findings],
            "cells": [dataclasses.asdict(cell) for cell in self.cells],
            "corrections": [dataclasses.asdict(correction) for correction in self.corrections],
            "rounding": [dataclasses.asdict(found) for found in self.rounding],
            "photos": [dataclasses.asdict(count) for count in self.photos],
            "rules": RULES,
            "counts": self.counts(),
        }


def audit_tables(directory: Path) -> Audit:
    """Apply every rule to the tables of a folder; tables that are as they were are not audited again.

    Raises:
        InputError: a file is missing or wrong.
    """
    return _audit(directory, _digests(directory))


def _digests(directory: Path) -> tuple[tuple[str, str], ...]:
    """What each table of the folder holds; one that cannot be read is told when the audit reads it."""
    found = []
    for path in sorted(directory.glob("*.csv")):
        with contextlib.suppress(OSError):
            found.append((path.name, hashlib.sha256(path.read_bytes()).hexdigest()))
    return tuple(found)


@functools.lru_cache(maxsize=4)
def _audit(directory: Path, digests: tuple[tuple[str, str], ...]) -> Audit:
    ledger = Ledger(read_printed_tables(directory))
    photos = photo_counts.check_photo_counts(ledger)
    rows = classwise.read_rows(ledger, photos)
    means = averages.expect_averages(ledger, rows, photos)
    classwise.write_findings(ledger, rows)
    counts = replication.check_replication_counts(ledger, photos)
    peers = agreement.find_peers(ledger, counts.values())
    _check_results(ledger, means, peers)
    repeated.check_repeated_models(ledger)
    photo_counts.check_totals(ledger)
    tables_6_to_8.check_checkpoints(ledger)
    tables_6_to_8.check_colored(ledger)
    incomplete = replication.check_complete(ledger)
    replication.check_replication_rows(ledger, incomplete)
    classes = class_agreement.check_class_agreement(ledger, counts)
    agreement.check_agreement(ledger, peers, incomplete, classes)
    order = {name: index for index, name in enumerate(SEVERITIES)}
    findings = sorted(ledger.findings, key=lambda finding: (order[finding.severity], finding.place))
    return Audit(
        tuple(findings),
        tuple(ledger.cells()),
        tuple(ledger.list_corrections()),
        tuple(ledger.rounding),
        tuple(counts.values()),
    )


def _check_results(ledger: Ledger, means: dict[CellPlace, Expectation], peers: Sequence[agreement.Peers]) -> None:
    expectations = repeated.expect_equal(ledger, means)
    repeated.check_copies(ledger, expectations)
    measured = repeated.keys(ledger.tables)
    for line in ledger.tables.rows["results.csv"]:
        row = row_places("results.csv", line)
        if any(ledger.has_finding(place) for place in row):
            continue
        told = repeated.repeat_findings(ledger, row, measured)
        left = {place: expectations[place] for place in row if place in expectations and place not in told}
        check_row(ledger, row, left, functools.partial(_plausible, ledger, peers, row), unless=told)


def _plausible(ledger: Ledger, peers: Sequence[agreement.Peers], row: Row, place: CellPlace, value: Fraction) -> bool:
    """Whether other models' accuracies agree with a row in which one cell has another value."""
    printed = {each: ledger.tables.value(each) for each in row}
    return agreement.is_plausible(peers, printed | {place: value})
