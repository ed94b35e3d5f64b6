"""`python -m sims.repairs`: zero-shot repairs on trained encoders, from prompts only, against theory."""

import argparse
from pathlib import Path

from sims.repairs.config import RepairConfig
from theory.model import SpuriousModel
from workbench import program, results
from workbench.parameters import add_options, from_options

DEFAULT_OUT = Path("results/repairs")


def build_parser() -> program.Parser:
    """The command line's options; defaults are those of `RepairConfig`."""
    parser = program.Parser(
        "python -m sims.repairs",
        "Train image and text encoders with contrastive losses and apply zero-shot repairs, made from prompts, "
        "captions and unlabelled images; compare their accuracy in each group with closed forms and with probes.",
    )
    add_options(parser.add_argument_group("synthetic model"), SpuriousModel)
    add_options(parser.add_argument_group("training, repairs and evaluation"), RepairConfig)
    program.add_out_option(parser, DEFAULT_OUT, "directory for result.json, arrays.npz and figure.png")
    program.add_json_option(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    from sims.repairs.display import show
    from sims.repairs.run import run

    config = from_options(RepairConfig, options, model=from_options(SpuriousModel, options))
    results.check_json(options.json)
    result = run(config, options.out)
    if not results.emit_json(result.to_dict(), options.json):
        show(result, options.out)
