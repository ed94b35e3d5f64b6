"""A file for each statement: the options of the programs that make them, and each file written once it is made."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from workbench import program, results, terminal


def add_file_options(parser: program.Parser, names: Sequence[str], out: Path) -> None:
    """Add `--only` and `--out`.

    Args:
        parser: of the program.
        names: all statements.
        out: the folder unless another is given.
    """
    parser.add_argument(
        "--only",
        type=program.choices(tuple(names)),
        default=",".join(names),
        metavar="NAMES",
        help="statements, separated by commas",
    )
    program.add_out_option(parser, out, "directory for the files NAME.json")


def write_each(names: Sequence[str], make: Callable[[str], dict[str, Any]], out: Path, indent: int | None = 2) -> None:
    """Make the files, with a line for each; a stopped run keeps the finished ones.

    Args:
        names: of the statements.
        make: from a name to the file's content, which holds the statement's label as `statement`.
        out: the folder.
        indent: of the JSON; None is one line.

    Raises:
        InputError: the folder or a file cannot be written.
    """
    results.check_writable(out)
    console = terminal.output()
    with terminal.progress() as display:
        task = display.add_task("statements", total=len(names), status="")
        for name in names:
            display.update(task, status=name)
            started = time.perf_counter()
            content = make(name)
            results.write_files(out, {f"{name}.json": results.to_json(content, indent)})
            display.advance(task)
            seconds = time.perf_counter() - started
            console.print(f"{content['statement']} {name}: {out / name}.json, {seconds:.1f} s", soft_wrap=True)
