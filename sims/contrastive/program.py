"""`python -m sims.contrastive`: what CLIP's objective does with a spurious feature, against theory and supervision."""

import argparse
import dataclasses
from pathlib import Path

from sims.contrastive.run import run
from sims.contrastive.table import show
from sims.encoders import IMAGE_ENCODERS, TEXT_ENCODERS
from sims.objectives import DEFAULT, OBJECTIVES
from sims.objectives.own import objectives_option
from sims.training.checkpoints import SECONDS
from sims.training.config import MINIMUM, ContrastiveConfig, add_numbers
from theory.options import add_model_options, model_from_options
from theory.statements.zero_shot import PROMPTS
from workbench import hosts, program, results

DEFAULT_OUT = Path("results/contrastive")


def build_parser() -> program.Parser:
    """The command line's options; defaults are those of `ContrastiveConfig`."""
    default = ContrastiveConfig()
    parser = program.Parser(
        "python -m sims.contrastive",
        "Train image and text encoders with contrastive losses, and supervised classifiers on the same images; "
        "compare their accuracy where the spurious feature agrees with the label and where it conflicts.",
    )
    add_model_options(parser)
    group = parser.add_argument_group("training and evaluation")
    add = group.add_argument
    add(
        "--objective",
        type=objectives_option,
        metavar="NAMES",
        help=f"losses to train with, separated by commas: {', '.join(OBJECTIVES)}, or module:function for a loss of "
        "your own; the supervised ones are trained in any case (default: "
        f"{','.join(DEFAULT)}, of which linearized only with linear encoders)",
    )
    for name, table, reads in (("image", IMAGE_ENCODERS, "an image"), ("text", TEXT_ENCODERS, "a text")):
        add(
            f"--{name}-encoder",
            choices=tuple(table),
            default=getattr(default, f"{name}_encoder"),
            help=f"what reads {reads}",
        )
    add(
        "--prompt",
        type=program.choices(PROMPTS),
        default=",".join(default.prompt),
        metavar="NAMES",
        help="zero-shot prompts, separated by commas",
    )
    meanings = {
        "embed_dim": "width of the embedding",
        "samples": "size of each training set; 0 draws fresh samples at every step",
        "steps": "most optimiser steps",
        "batch_size": "pairs in a step",
        "seeds": "independent runs of each learner",
        "seed": "seed of all random numbers",
        "learning_rate": "Adam's learning rate at the start",
    }
    add_numbers(group, default, MINIMUM, meanings)
    parser.add_argument(
        "--out",
        type=program.path,
        default=DEFAULT_OUT,
        metavar="DIR",
        help="directory for result.json, arrays.npz and figure.png, and for a long run's checkpoints",
    )
    parser.add_argument(
        "--checkpoint-seconds",
        type=program.non_negative_number,
        default=SECONDS,
        metavar="X",
        help="seconds between checkpoints, from which the same command goes on if it was stopped",
    )
    program.add_json_option(parser)
    hosts.add_host_options(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    hosts.join(options)
    fields = [field.name for field in dataclasses.fields(ContrastiveConfig) if field.name != "model"]
    config = ContrastiveConfig(model_from_options(options), **{name: getattr(options, name) for name in fields})
    results.check_json(options.json)
    result = run(config, options.out, options.checkpoint_seconds)
    if hosts.is_first() and not results.emit_json(result.to_dict(), options.json):
        show(result, options.out)
