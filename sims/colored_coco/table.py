"""A row of Table 7 on the terminal."""

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from workbench import terminal

_COLUMNS = {
    "in_distribution": "as in training",
    "out_of_distribution": "unseen colours",
    "drop": "drop",
    "swapped": "other classes' colours",
    "drop_swapped": "drop",
}


def show(content: Mapping[str, Any]) -> None:
    """Print a result as `result.json` holds it."""
    console = terminal.output()
    pictures = content["pictures"]
    table = Table(
        title=f"Accuracy (%) on {pictures['in_distribution']} pictures of nine classes; guessing: 11.1",
        title_justify="left",
        box=SIMPLE_HEAD,
    )
    for heading in ("approach", *_COLUMNS.values()):
        table.add_column(heading, no_wrap=True)
    for row in content["results"]:
        table.add_row(row["approach"], *(f"{row[column]:.2f}" for column in _COLUMNS))
    console.print(table)
