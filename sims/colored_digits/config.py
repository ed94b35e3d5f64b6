"""The configuration of one row of Table 8."""

import dataclasses

from sims.colored_digits.design import Design
from sims.colored_digits.learners import LEARNERS
from sims.encoders import IMAGE_ENCODERS, TEXT_ENCODERS
from sims.training.config import check_numbers
from workbench.errors import ParameterError

# The least that each whole number may be.
MINIMUM = {"samples": 0, "steps": 1, "batch_size": 2, "embed_dim": 1, "shift": 0, "seeds": 1, "seed": 0}
SAMPLES_A_CLASS = 5000  # about what Table 8 has


@dataclasses.dataclass(frozen=True)
class DigitsConfig:
    """What to train, on what, and for how long.

    Attributes:
        design: how labels and colours are drawn.
        objective: names of `LEARNERS`.
        mention_inv: probability that a caption names the object.
        mention_spu: probability that it names the background.
        image_encoder: a name of `sims.encoders.IMAGE_ENCODERS`.
        text_encoder: a name of `sims.encoders.TEXT_ENCODERS`.
        embed_dim: width of the embedding.
        samples: size of each run's training set; 0 for 5,000 a class with scikit-learn's digits, each of which is then
            painted many times, and every picture once with MNIST's.
        steps: optimiser steps.
        batch_size: pictures in a step.
        learning_rate: Adam's at the start; it falls to 0 along a cosine.
        shift: a digit is moved by up to that many pixels along both axes, anew at every step.
        seeds: independent runs of each learner.
        seed: of all random numbers.

    Raises:
        ParameterError: a value outside its domain.
    """

    design: Design = dataclasses.field(default_factory=Design)
    objective: tuple[str, ...] = tuple(LEARNERS)
    mention_inv: float = 1.0
    mention_spu: float = 1.0
    image_encoder: str = "cnn"
    text_encoder: str = "linear"
    embed_dim: int = 32
    samples: int = 0
    steps: int = 2500
    batch_size: int = 128
    learning_rate: float = 3e-3
    shift: int = 0
    seeds: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        check_numbers(self, MINIMUM)
        for name in ("mention_inv", "mention_spu"):
            if not 0 <= getattr(self, name) <= 1:
                raise ParameterError(name, "in [0, 1]", getattr(self, name))
        for name, table in (("image_encoder", IMAGE_ENCODERS), ("text_encoder", TEXT_ENCODERS)):
            if getattr(self, name) not in table:
                raise ParameterError(name, f"among {', '.join(table)}", getattr(self, name))
        for word in self.objective or ("nothing",):
            if word not in LEARNERS:
                raise ParameterError("objective", f"among {', '.join(LEARNERS)}", word)
        if self.samples and self.batch_size > self.samples:
            raise ParameterError("batch_size", f"at most `samples`, which is {self.samples}", self.batch_size)
