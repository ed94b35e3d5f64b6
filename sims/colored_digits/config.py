"""The configuration of one row of Table 8, and its options."""

import argparse
import dataclasses

from sims.colored_digits.design import Design
from sims.colored_digits.digits import add_digits_option
from sims.names import IMAGE_ENCODERS, TEXT_ENCODERS
from workbench import program
from workbench.errors import ParameterError
from workbench.parameters import (
    LEARNING_RATE,
    SEED,
    SHARE,
    STEPS,
    add_options,
    check,
    parameter,
    whole_number,
    word,
    words,
)

# The names of the learners, which `learners.py` has.
OBJECTIVE_NAMES = ("perfect_language", "infonce", "siglip", "cross_entropy")
MARGIN = 5.0  # points of accuracy within which two learners are equal
SAMPLES_A_CLASS = 5000  # about what Table 8 has


@dataclasses.dataclass(frozen=True)
class DigitsConfig:
    """What to train, on what, and for how long.

    Attributes:
        design: how labels and colours are drawn.
        objective: names of `OBJECTIVE_NAMES`.
        mention_inv: probability that a caption names the object.
        mention_spu: probability that it names the background.
        image_encoder: a name of `sims.names.IMAGE_ENCODERS`.
        text_encoder: a name of `sims.names.TEXT_ENCODERS`.
        embed_dim: width of the embedding.
        samples: size of each run's training set; 0 for 5,000 a class with scikit-learn's digits, each of which is then
            painted many times, and every image once with MNIST's.
        steps: optimiser steps.
        batch_size: images in a step.
        learning_rate: Adam's at the start; it falls to 0 along a cosine.
        shift: a digit is moved by up to that many pixels along both axes, anew at every step.
        seeds: independent runs of each learner.
        seed: of all random numbers.

    Raises:
        ParameterError: a value outside its domain.
    """

    design: Design = dataclasses.field(default_factory=Design)
    objective: tuple[str, ...] = parameter(
        OBJECTIVE_NAMES,
        words(OBJECTIVE_NAMES),
        "losses, separated by commas: perfect_language is the paper's Eq. 10, cross_entropy is supervised",
    )
    mention_inv: float = parameter(1.0, SHARE, "probability that a caption names the object, as the prompt does")
    mention_spu: float = parameter(
        1.0, SHARE, "probability that a caption names the background, as the prompt does not"
    )
    image_encoder: str = parameter("cnn", word(IMAGE_ENCODERS), "what reads an image")
    text_encoder: str = parameter("linear", word(TEXT_ENCODERS), "what reads a caption")
    embed_dim: int = parameter(32, whole_number(1), "width of the embedding")
    samples: int = parameter(
        0,
        whole_number(0),
        "images in each training set; 0 for 5,000 a class, or with --digits for every image once",
    )
    steps: int = parameter(2500, STEPS, "optimiser steps")
    batch_size: int = parameter(128, whole_number(2), "images in a step")
    learning_rate: float = parameter(3e-3, LEARNING_RATE, "Adam's at the start; it falls to 0")
    shift: int = parameter(0, whole_number(0), "move each digit by up to that many pixels, anew at every step")
    seeds: int = parameter(10, whole_number(1), "independent runs of each learner")
    seed: int = parameter(0, SEED, "seed of all random numbers")

    def __post_init__(self) -> None:
        check(self)
        if self.samples and self.batch_size > self.samples:
            raise ParameterError("batch_size", f"at most `samples`, which is {self.samples}", self.batch_size)


def add_training_options(parser: argparse.ArgumentParser) -> None:
    """Add what every training on coloured digits has, and the margin of its comparisons."""
    group = parser.add_argument_group("training")
    add_digits_option(group)
    add_options(group, DigitsConfig)
    group.add_argument(
        "--margin",
        type=program.positive_number,
        default=MARGIN,
        metavar="X",
        help="two learners are equal if their accuracies are shown to differ by less, in points",
    )
