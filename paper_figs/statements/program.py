"""`python -m paper_figs.statements`: compute the closed forms that figures of statements draw, and save them."""

import argparse
from pathlib import Path
from typing import Any

from paper_figs.statements.curves import to_lists
from paper_figs.statements.table import CURVES
from sims.theorems.files import add_file_options, write_each
from sims.theorems.table import STATEMENTS
from workbench import program, results

DEFAULT_OUT = Path("results/curves")


def compute(name: str) -> dict[str, Any]:
    """The curves of a statement, and how they were made; ready for JSON.

    Args:
        name: its name in `CURVES`.
    """
    import jax

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
    add_file_options(parser, tuple(CURVES), DEFAULT_OUT)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    write_each(options.only, compute, options.out, indent=None)
