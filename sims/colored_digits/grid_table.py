"""All of Table 8 on the terminal."""

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from sims.colored_digits.result import COMPARED
from workbench import terminal


def show(content: Mapping[str, Any]) -> None:
    """Print a table as `table.json` holds it, and what is equal to the supervised learner."""
    console = terminal.output()
    objectives = [cells["objective"] for cells in content["rows"][0]["results"]]
    table = Table(
        title=f"Accuracy (%), Rand / Rev, means over {content['config']['seeds']} runs, on {content['digits']}",
        title_justify="left",
        box=SIMPLE_HEAD,
    )
    for heading in ("classes", "p_inv", "p_spu", *objectives):
        table.add_column(heading, no_wrap=True)
    for row in content["rows"]:
        shown = (" / ".join(_mean(cells, column) for column in COMPARED[:2]) for cells in row["results"])
        table.add_row(str(row["classes"]), f"{row['p_inv']:g}", f"{row['p_spu']:g}", *shown)
    console.print(table)
    equivalence = content["equivalence"]
    for name in equivalence["verdicts"]:
        found = [cell["verdict"] for cell in equivalence["comparisons"] if cell["objective"] == name]
        counts = ", ".join(f"{found.count(word)} {word}" for word in ("equal", "different", "inconclusive"))
        console.print(f"{name} against supervised, within {equivalence['margin']:g} points: {counts} of {len(found)}.")


def _mean(cells: Mapping[str, Any], column: str) -> str:
    return f"{cells[f'{column}_mean']:.1f}"
