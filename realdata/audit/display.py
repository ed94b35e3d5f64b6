"""What the audit prints."""

from rich.text import Text

from realdata.audit.audit import Audit
from workbench import terminal

_STYLES = {"error": "bold red", "warning": "yellow"}
_NAMED = {"Fig. 3", "section 4", "replication"}


def show(audit: Audit) -> None:
    """Print every error and warning with its evidence, then the counts."""
    console = terminal.output()
    table = terminal.narrow_table()
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
