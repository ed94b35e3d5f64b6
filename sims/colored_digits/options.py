"""The options that the programs on coloured digits share."""

import argparse
import dataclasses

from sims.colored_digits.config import MINIMUM, DigitsConfig
from sims.colored_digits.design import Design
from sims.colored_digits.equivalence import MARGIN
from sims.colored_digits.learners import LEARNERS
from sims.encoders import IMAGE_ENCODERS, TEXT_ENCODERS
from sims.training.config import add_numbers
from workbench import program

_MEANINGS = {
    "embed_dim": "width of the embedding",
    "samples": "pictures in each training set; 0 for 5,000 a class, or with --digits for every picture once",
    "steps": "optimiser steps",
    "batch_size": "pictures in a step",
    "shift": "move each digit by up to that many pixels, anew at every step",
    "seeds": "independent runs of each learner",
    "seed": "seed of all random numbers",
    "learning_rate": "Adam's at the start; it falls to 0",
}


def add_design_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of one row of Table 8."""
    default = Design()
    group = parser.add_argument_group("the pictures")
    group.add_argument(
        "--classes", type=int, default=default.classes, metavar="K", help="how many digits, from 0 on; 2 to 10"
    )
    for name, meaning in (
        ("invariant_ratio", "share of the pictures whose label is the digit, in training and tests, p_inv; 1/2 to 1"),
        ("spurious_ratio", "share of the training pictures of 0 and 1 on their own colour, p_spu; 1/2 to 1"),
    ):
        group.add_argument(
            f"--{name.replace('_', '-')}",
            type=program.number,
            default=getattr(default, name),
            metavar="X",
            help=meaning,
        )


def add_digits_option(parser: argparse._ActionsContainer) -> None:
    """Add the option that names MNIST's files."""
    parser.add_argument(
        "--digits",
        type=program.path,
        metavar="DIR",
        help="folder with MNIST's four IDX files, plain or .gz (default: scikit-learn's digits, which need none)",
    )


def add_training_options(parser: argparse.ArgumentParser) -> None:
    """Add what every training on coloured digits has; defaults are those of `DigitsConfig`."""
    default = DigitsConfig()
    group = parser.add_argument_group("training")
    add_digits_option(group)
    group.add_argument(
        "--objective",
        type=program.choices(tuple(LEARNERS)),
        default=",".join(LEARNERS),
        metavar="NAMES",
        help="losses, separated by commas: perfect_language is the paper's Eq. 10, cross_entropy is supervised",
    )
    for feature, meaning in (("inv", "the object"), ("spu", "the background")):
        group.add_argument(
            f"--mention-{feature}",
            type=program.share,
            default=getattr(default, f"mention_{feature}"),
            metavar="X",
            help=f"probability that a caption names {meaning}; the prompt names the object alone",
        )
    for name, table, reads in (("image", IMAGE_ENCODERS, "a picture"), ("text", TEXT_ENCODERS, "a caption")):
        group.add_argument(
            f"--{name}-encoder",
            choices=tuple(table),
            default=getattr(default, f"{name}_encoder"),
            help=f"what reads {reads}",
        )
    add_numbers(group, default, MINIMUM, _MEANINGS)
    group.add_argument(
        "--margin",
        type=program.positive_number,
        default=MARGIN,
        metavar="X",
        help="two learners are equal if their accuracies are shown to differ by less, in points",
    )


def config_from_options(options: argparse.Namespace, design: Design) -> DigitsConfig:
    """The configuration that the options describe."""
    names = [field.name for field in dataclasses.fields(DigitsConfig) if field.name != "design"]
    return DigitsConfig(design, **{name: getattr(options, name) for name in names})
