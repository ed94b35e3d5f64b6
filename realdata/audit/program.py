"""`python -m realdata.audit`: a check of the printed tables for impossible numbers."""

import argparse

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from published.tables import add_published_option
from realdata.audit.audit import Audit, audit_tables
from workbench import program, results, terminal

_STYLES = {"error": "bold red", "warning": "yellow"}
_NAMED = {"Fig. 3", "section 4", "replication"}


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser(
        "python -m realdata.audit",
        "Check the published tables for what cannot be true, by rules: drops, whole photos, photo counts, averages, "
        "rows that repeat or contradict each other, checkpoints, and an independent replication. Findings are printed; "
        "the exit code is 0 whether or not there are any.",
    )
    add_published_option(parser)
    program.add_json_option(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    results.check_json(options.json)
    audit = audit_tables(options.published)
    if not results.emit_json(audit.as_json(), options.json):
        show(audit)


def show(audit: Audit) -> None:
    """Print every error and warning with its evidence, then the counts."""
    console = terminal.output()
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    table.add_column("where, what is printed, and the evidence")
    for finding in audit.findings:
        if finding.severity in _STYLES:
            where = finding.table if finding.table in _NAMED else f"Table {finding.table}"
            proposal = f" Proposed: {finding.proposal.value} ({finding.proposal.change})." if finding.proposal else ""
            table.add_row(
                Text(finding.severity, style=_STYLES[finding.severity]),
                Text.assemble(
                    (f"{where}, {finding.row}, {finding.column}: ", "bold"),
                    f"printed {finding.printed or 'nothing'}, expected {finding.expected}\n",
                    (finding.explanation + proposal, "dim"),
                ),
            )
    if table.row_count:
        console.print(table)
    for found in audit.rounding:
        console.print(
            f"Table {found.table}, {found.what}: {found.recomputed} recomputed, {found.rounded} agree with rounding to "
            f"{found.decimals} decimals, {found.cut} with cutting off."
        )
    counts = audit.counts()
    checked = sum(cell.status != "unchecked" for cell in audit.cells)
    console.print(
        f"{counts['error']} errors, {counts['warning']} warnings and {counts['note']} notes (--json has all) in "
        f"{len(audit.cells)} printed cells, of which the rules could check {checked}; {len(audit.corrections)} "
        "numbers that claims use are corrected or left out.",
        soft_wrap=True,
    )
