"""`python -m paper_figs.statements`: compute the closed forms that figures of statements draw, and save them."""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import jax

from paper_figs.statements.curves import to_lists
from paper_figs.statements.table import CURVES
from sims.theorems.table import STATEMENTS
from workbench import program, results, terminal
from workbench.compilation import keep_compiled

DEFAULT_OUT = Path("results/curves")


def compute(name: str) -> dict[str, Any]:
    """The curves of a statement, and how they were made; ready for JSON.

    Args:
        name: its name in `CURVES`.
    """
    with jax.enable_x64(True):  # which quadratures need
        arrays = CURVES[name]()
    versions = results.versions("jax", "jaxlib", "numpy")
    return {"statement": STATEMENTS[name].label, "name": name, "versions": versions, "curves": to_lists(arrays)}


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser(
        "python -m paper_figs.statements",
        "Compute the closed forms of statements, one file of named arrays a statement, which `python -m paper_figs` "
        "draws as lines.",
    )
    parser.add_argument(
        "--only",
        type=program.choices(tuple(CURVES)),
        default=",".join(CURVES),
        metavar="NAMES",
        help="statements, separated by commas",
    )
    parser.add_argument(
        "--out", type=program.path, default=DEFAULT_OUT, metavar="DIR", help="directory for the files NAME.json"
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    results.check_writable(options.out)
    keep_compiled()
    console = terminal.output()
    with terminal.progress() as display:
        task = display.add_task("statements", total=len(options.only), status="")
        for name in options.only:
            display.update(task, status=name)
            started = time.perf_counter()
            content = compute(name)
            # Each file at once, so that a stopped run keeps its finished statements.
            results.write_files(options.out, {f"{name}.json": results.to_json(content, indent=None)})
            display.advance(task)
            seconds = time.perf_counter() - started
            console.print(f"{content['statement']} {name}: {options.out / name}.json, {seconds:.1f} s", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
