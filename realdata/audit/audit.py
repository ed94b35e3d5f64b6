"""All rules, in the order in which one leans on another."""

import dataclasses
from pathlib import Path
from typing import Any

from realdata.audit import averages, checkpoints, classwise, drop, equal_rows, photo_counts, totals
from realdata.audit.finding import SEVERITIES, Cell, Correction, Finding, Ledger
from realdata.audit.printed import read_printed_tables
from realdata.audit.result_rows import check_row, row_places
from realdata.audit.rounding import Evidence

RULES = {
    drop.DROP: drop.STATEMENT,
    **photo_counts.STATEMENTS,
    classwise.SAME: classwise.STATEMENT,
    **averages.STATEMENTS,
    **equal_rows.STATEMENTS,
    totals.TOTAL: totals.STATEMENT,
    checkpoints.CHECKPOINT: checkpoints.STATEMENT,
}


@dataclasses.dataclass(frozen=True)
class Audit:
    """What the rules say of a folder of tables.

    Attributes:
        findings: errors first, then warnings, then notes; each in the order of files and lines.
        cells: every measured number.
        corrections: of numbers that claims use, where a finding is an error.
        rounding: how the tables were rounded, where that can be seen.
    """

    findings: list[Finding]
    cells: list[Cell]
    corrections: list[Correction]
    rounding: list[Evidence]

    def counts(self) -> dict[str, int]:
        """How many findings there are of each severity."""
        return {name: sum(finding.severity == name for finding in self.findings) for name in SEVERITIES}

    def as_json(self) -> dict[str, Any]:
        """What the program prints."""
        return {
            "findings": [finding.as_json() for finding in self.findings],
            "cells": [dataclasses.asdict(cell) for cell in self.cells],
            "corrections": [dataclasses.asdict(correction) for correction in self.corrections],
            "rounding": [dataclasses.asdict(found) for found in self.rounding],
            "rules": RULES,
            "counts": self.counts(),
        }


def audit_tables(directory: Path) -> Audit:
    """Put every rule to the tables of a folder.

    Raises:
        InputError: a file is missing or wrong.
    """
    ledger = Ledger(read_printed_tables(directory))
    tables = ledger.tables
    photos = photo_counts.check_photo_counts(ledger)
    rows = classwise.read_rows(ledger, photos)
    means = averages.expect_averages(ledger, rows, photos)
    classwise.write_findings(ledger, rows)
    expectations = equal_rows.expect_equal(ledger, means)
    equal_rows.check_copies(ledger, expectations)
    for line in tables.rows["results.csv"]:
        row = row_places("results.csv", line)
        if not any(ledger.found(place) for place in row):
            check_row(ledger, row, expectations)
    totals.check_totals(ledger)
    checkpoints.check_checkpoints(ledger)
    order = {name: index for index, name in enumerate(SEVERITIES)}
    findings = sorted(ledger.findings, key=lambda finding: (order[finding.severity], finding.place))
    return Audit(findings, ledger.cells(), ledger.written_corrections(), ledger.rounding)
