"""What a person sees: tables on standard output, progress on standard error."""

import sys

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.status import Status


def output() -> Console:
    """A console on standard output, wide enough for our tables where no terminal sets the width."""
    return Console(width=None if sys.stdout.isatty() else 110, highlight=False)


def progress() -> Progress:
    """A progress display on standard error: shown on a terminal, silent elsewhere."""
    # Some versions of rich end even a disabled display with a line break; a quiet console does not.
    console = Console(stderr=True, quiet=not sys.stderr.isatty())
    return Progress(
        TextColumn("{task.description:<18}"),
        BarColumn(),
        TextColumn("{task.completed:>6.0f}/{task.total:.0f}"),
        TextColumn("{task.fields[status]}"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )


def working(what: str) -> Status:
    """A spinner on standard error while something of unknown length runs; silent where there is no terminal."""
    return Console(stderr=True, quiet=not sys.stderr.isatty()).status(f"{what} ...")
