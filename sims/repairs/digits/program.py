"""`python -m sims.repairs digits`: zero-shot repairs on CLIPs with a text encoder, trained on coloured digits."""

import argparse
import dataclasses
from pathlib import Path

from sims.colored_digits.design import CAPTIONED, Design
from sims.colored_digits.digits import add_digits_option
from sims.repairs.digits.config import DigitsRepairConfig
from workbench import program, results
from workbench.parameters import add_options, from_options

DEFAULT_OUT = Path("results/repairs_digits")


def build_parser() -> program.Parser:
    """The command line's options; defaults are those of `DigitsRepairConfig`."""
    parser = program.Parser(
        "python -m sims.repairs digits",
        "Train small CLIPs with a text encoder on captioned digits on coloured backgrounds, repair them from prompts "
        "as realdata.evaluate does, and compare what changes with what normal embeddings predict. A stopped run goes "
        "on where it stopped.",
    )
    add_options(parser.add_argument_group("the images"), Design, **dataclasses.asdict(CAPTIONED))
    add_options(parser.add_argument_group("captions, training and repairs"), DigitsRepairConfig)
    add_digits_option(parser)
    parser.add_argument(
        "--evaluated",
        type=program.path,
        metavar="FILE",
        help="summary.json of realdata.evaluate --repair on all photos that sims.colored_digits export wrote with one "
        "of these seeds and captions: shown beside the same CLIP here",
    )
    program.add_out_option(
        parser,
        DEFAULT_OUT,
        "directory for figure.png, table.md, result.json and arrays.npz, and for what each CLIP gets right",
    )
    program.add_json_option(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    from sims.repairs.digits.display import show
    from sims.repairs.digits.run import run

    design = from_options(Design, options)
    config = from_options(
        DigitsRepairConfig, options, design=design, digits=options.digits, evaluated=options.evaluated
    )
    results.check_json(options.json)
    result = run(config, options.out)
    if not results.emit_json(result.to_dict(), options.json):
        show(result, options.out)
