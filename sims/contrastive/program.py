"""`python -m sims.contrastive`: what CLIP's objective does with a spurious feature, against theory and supervision."""

import argparse
from pathlib import Path

from sims.training.config import CHECKPOINT_SECONDS, ContrastiveConfig
from theory.model import SpuriousModel
from workbench import program, results
from workbench.parameters import add_options, from_options

DEFAULT_OUT = Path("results/contrastive")


def build_parser() -> program.Parser:
    """The command line's options; defaults are those of `ContrastiveConfig`."""
    parser = program.Parser(
        "python -m sims.contrastive",
        "Train image and text encoders with contrastive losses, and supervised classifiers on the same images; "
        "compare their accuracy where the spurious feature agrees with the label and where it conflicts.",
    )
    add_options(parser.add_argument_group("synthetic model"), SpuriousModel)
    add_options(parser.add_argument_group("training and evaluation"), ContrastiveConfig)
    program.add_out_option(
        parser, DEFAULT_OUT, "directory for result.json, arrays.npz and figure.png, and for a long run's checkpoints"
    )
    parser.add_argument(
        "--checkpoint-seconds",
        type=program.non_negative_number,
        default=CHECKPOINT_SECONDS,
        metavar="X",
        help="seconds between checkpoints, from which the same command goes on if it was stopped",
    )
    program.add_json_option(parser)
    program.add_host_options(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    from sims.contrastive.display import show
    from sims.contrastive.run import run
    from workbench import hosts

    hosts.join(options)
    config = from_options(ContrastiveConfig, options, model=from_options(SpuriousModel, options))
    results.check_json(options.json)
    result = run(config, options.out, options.checkpoint_seconds)
    if hosts.is_first() and not results.emit_json(result.to_dict(), options.json):
        show(result, options.out)
