"""Output for the user: tables on standard output, progress on standard error."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.status import Status
from rich.table import Table
from rich.text import Text


def output() -> Console:
    """A console on standard output; without a terminal it is wide enough for our tables."""
    return Console(width=None if sys.stdout.isatty() else 110, highlight=False)


def table(title: str, headings: Iterable[str], **options: Any) -> Table:
    """A table with these columns, in the programs' common style.

    Args:
        title: the line above the table.
        headings: the columns' headings.
        options: options of `Table.add_column` for all columns; by default cells are not wrapped.
    """
    made = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for heading in headings:
        made.add_column(heading, **(options or {"no_wrap": True}))
    return made


def narrow_table(title: str | None = None) -> Table:
    """A table in the programs' common style whose columns, still to be added, stand closer together.

    Args:
        title: the line above the table.
    """
    return Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))


class _Rate(ProgressColumn):
    """A column with the number of units per second."""

    def __init__(self, unit: str):
        super().__init__()
        self.unit = unit

    def render(self, task: Task) -> Text:
        """The task's speed, once it is known."""
        return Text(f"{task.speed:.1f} {self.unit}/s" if task.speed else "")


def progress(unit: str | None = None) -> Progress:
    """A progress display on standard error: shown on a terminal, silent elsewhere.

    Args:
        unit: name of the units that are counted, to show how many are done per second.
    """
    # Some versions of rich print a line break at the end of a disabled display; a quiet console does not.
    console = Console(stderr=True, quiet=not sys.stderr.isatty())
    return Progress(
        TextColumn("{task.description:<18}"),
        BarColumn(),
        TextColumn("{task.completed:>6.0f}/{task.total:.0f}"),
        TextColumn("{task.fields[status]}"),
        *([] if unit is None else [_Rate(unit)]),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )


def spinner(what: str) -> Status:
    """A spinner on standard error while something of unknown length runs; silent where there is no terminal."""
    return Console(stderr=True, quiet=not sys.stderr.isatty()).status(f"{what} ...")


def print_list(heading: str, lines: Sequence[str], most: int) -> None:
    """Print a heading with the number of lines, and the first `most` of them; nothing for an empty list."""
    console = output()
    if lines:
        console.print(f"{heading} ({len(lines)}):", soft_wrap=True)
    for line in lines[:most]:
        console.print(f"  {line}", soft_wrap=True, markup=False)
    if len(lines) > most:
        console.print(f"  and {len(lines) - most} more; --json has all")


def interval(ends: Sequence[float], format_spec: str = ".2f") -> str:
    """An interval as text, for tables."""
    return f"[{ends[0]:{format_spec}}, {ends[1]:{format_spec}}]"


def p_value(value: float, equals: str = "") -> str:
    """A p-value as text, for tables; in a sentence, `equals` stands before a value that is not below 0.0001."""
    return "<0.0001" if value < 0.0001 else f"{equals}{value:.4f}"


def shorten(label: str, longest: int = 28) -> str:
    """A label, cut to a number of characters."""
    return label if len(label) <= longest else label[: longest - 1] + "…"
