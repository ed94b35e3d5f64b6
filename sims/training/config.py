"""The main job's configuration; and the numbers that every training's configuration has, checked and as options."""

import argparse
import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

from sims.encoders import Architecture
from sims.objectives import DEFAULT, LINEAR_ONLY, OBJECTIVES, SUPERVISED, AnyObjective, Objective, find_objective
from theory.model import SpuriousModel
from theory.statements.zero_shot import PROMPTS
from workbench import program
from workbench.errors import ParameterError

_BELOW = {"seed": 2**32, "steps": 2**31}


def check_numbers(config: Any, minimum: Mapping[str, int]) -> None:
    """Check a configuration's whole numbers and its `learning_rate`.

    Args:
        config: a dataclass.
        minimum: the least that each whole number may be.

    Raises:
        ParameterError: one is outside its domain.
    """
    for name, least in minimum.items():
        value = getattr(config, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ParameterError(name, f"a whole number of at least {least}", value)
        if value >= _BELOW.get(name, value + 1):
            raise ParameterError(name, f"below {_BELOW[name]}", value)
    if not 0 < config.learning_rate <= 1e38:  # the range of single precision
        raise ParameterError("learning_rate", "a number above 0 and at most 1e38", config.learning_rate)


def add_numbers(
    group: argparse._ActionsContainer, default: Any, minimum: Mapping[str, int], meanings: Mapping[str, str]
) -> None:
    """Add an option for each whole number, and `--learning-rate`.

    Args:
        group: where to.
        default: a configuration with the defaults.
        minimum: the least that each whole number may be.
        meanings: the help of each, the learning rate's among them.
    """
    for name, meaning in meanings.items():
        whole = name in minimum
        group.add_argument(
            f"--{name.replace('_', '-')}",
            type=program.whole_number(minimum[name]) if whole else program.positive_number,
            default=getattr(default, name),
            metavar="N" if whole else "X",
            help=meaning,
        )


# The least that each whole number may be.
MINIMUM = {"embed_dim": 1, "samples": 0, "steps": 1, "batch_size": 2, "seeds": 1, "seed": 0}


@dataclasses.dataclass(frozen=True)
class ContrastiveConfig:
    """What to train, on what, and for how long.

    Attributes:
        model: parameters of the synthetic model.
        objective: names from `sims.objectives.OBJECTIVES`, or objectives of one's own (`sims.objectives.own`); the
            supervised ones are trained in any case, as the reference that the question asks for. Unless given, those
            of `DEFAULT` that the encoders allow.
        prompt: zero-shot prompts to evaluate the contrastive learners with.
        image_encoder: a name of `sims.encoders.IMAGE_ENCODERS`.
        text_encoder: a name of `sims.encoders.TEXT_ENCODERS`.
        embed_dim: width of the embedding; at least 1.
        samples: size of each run's training set; 0 draws fresh samples at every step.
        steps: most optimiser steps; training ends earlier once it has converged.
        batch_size: pairs in a step; at least 2, and at most `samples` where that is not 0.
        learning_rate: Adam's, at the start.
        seeds: independent runs of each learner; at least 1.
        seed: of all random numbers.

    Raises:
        ParameterError: a value outside its domain.
    """

    model: SpuriousModel = dataclasses.field(default_factory=SpuriousModel)
    objective: Sequence[AnyObjective] | None = None
    prompt: tuple[str, ...] = PROMPTS
    image_encoder: str = "linear"
    text_encoder: str = "linear"
    embed_dim: int = 8
    samples: int = 0
    steps: int = 6400
    batch_size: int = 64
    learning_rate: float = 0.05
    seeds: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        check_numbers(self, MINIMUM)
        allowed = tuple(name for name in OBJECTIVES if self.architecture.linear or name not in LINEAR_ONLY)
        if self.objective is None:
            object.__setattr__(self, "objective", tuple(name for name in DEFAULT if name in allowed))
        objectives = tuple(find_objective(objective) for objective in self.objective or ())
        names = [objective.name for objective in objectives]
        for name in names or ("nothing",):
            if name not in allowed and (name in OBJECTIVES or not names):
                raise ParameterError("objective", f"among {', '.join(allowed)}", name)
            if names.count(name) > 1:
                raise ParameterError("objective", "each one once", f"{name} twice")
        object.__setattr__(self, "objective", objectives)
        for word in self.prompt or ("nothing",):
            if word not in PROMPTS:
                raise ParameterError("prompt", f"among {', '.join(PROMPTS)}", word)
        if self.samples and self.batch_size > self.samples:
            raise ParameterError("batch_size", f"at most `samples`, which is {self.samples}", self.batch_size)

    @property
    def architecture(self) -> Architecture:
        """The encoders."""
        dims = int(self.model.image_dim), int(self.model.text_dim), self.embed_dim
        return Architecture(*dims, self.image_encoder, self.text_encoder)

    @functools.cached_property
    def learners(self) -> dict[str, Objective]:
        """Name to objective, those asked for and the supervised reference: contrastive before supervised ones."""
        asked = {objective.name: objective for objective in map(find_objective, self.objective or ())}
        known = {name: each for name, each in OBJECTIVES.items() if name in asked or name in SUPERVISED}
        own = {name: each for name, each in asked.items() if name not in OBJECTIVES}
        return dict(sorted((known | own).items(), key=lambda item: not item[1].contrastive))

    @property
    def supervised(self) -> tuple[str, ...]:
        """The learners without texts, which the others are compared with."""
        return tuple(name for name, objective in self.learners.items() if not objective.contrastive)
