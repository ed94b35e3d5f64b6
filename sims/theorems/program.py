"""`python -m sims.theorems`: simulate the statements of `theory/` and save the measurements for the figures."""

import argparse
import time
from pathlib import Path
from typing import Any

from sims.theorems.evidence import to_dict
from sims.theorems.files import add_file_options, write_each
from sims.theorems.table import STATEMENTS
from workbench import program, results

DEFAULT_OUT = Path("results/theorems")


def run(name: str, seed: int) -> dict[str, Any]:
    """Simulate one statement.

    Args:
        name: its name in `STATEMENTS`.
        seed: seed of all random numbers.

    Returns:
        The measurements, and how they were made; ready for JSON.
    """
    import jax

    statement = STATEMENTS[name]
    started = time.perf_counter()
    evidence = statement.simulate(seed)
    device = jax.devices()[0]
    return {
        "statement": statement.label,
        "name": name,
        "seed": seed,
        "seconds": time.perf_counter() - started,
        "versions": results.versions("jax", "jaxlib", "numpy") | {"device": f"{device.platform} {device.device_kind}"},
        "panels": to_dict(evidence),
    }


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser(
        "python -m sims.theorems",
        "Simulate the proven statements, from samples and fitted learners; one file a statement, which "
        "`python -m paper_figs` draws over the closed forms.",
    )
    add_file_options(parser, tuple(STATEMENTS), DEFAULT_OUT)
    parser.add_argument("--seed", type=program.seed, default=0, metavar="N", help="seed of all random numbers")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    write_each(options.only, lambda name: run(name, options.seed), options.out)
