"""The main job's configuration."""

import argparse
import dataclasses
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sims.names import DEFAULT, IMAGE_ENCODERS, LINEAR_ONLY, OBJECTIVE_NAMES, SUPERVISED, TEXT_ENCODERS
from theory.model import SpuriousModel
from theory.names import PROMPTS
from workbench.errors import ParameterError
from workbench.parameters import LEARNING_RATE, SEED, STEPS, Domain, check, parameter, whole_number, word, words

if TYPE_CHECKING:  # with flax; a command line reads this module before JAX is imported
    from sims.encoders import Architecture
    from sims.objectives import AnyObjective, Objective

CHECKPOINT_SECONDS = 60.0  # between two checkpoints, unless told otherwise


def objectives_option(text: str) -> "tuple[str | Objective, ...]":
    """A command-line option's type: names and `module:function`, separated by commas."""
    words = dict.fromkeys(text.split(","))
    if words.keys() <= set(OBJECTIVE_NAMES):
        return tuple(words)
    from sims.objectives import find_objective

    try:
        return tuple(word if word in OBJECTIVE_NAMES else find_objective(word) for word in words)
    except ParameterError as error:
        raise argparse.ArgumentTypeError(error.requirement) from None


@dataclasses.dataclass(frozen=True)
class ContrastiveConfig:
    """What to train, on what, and for how long.

    Attributes:
        model: parameters of the synthetic model.
        objective: names from `sims.objectives.OBJECTIVES`, or objectives of one's own (`sims.objectives.table`); the
            supervised ones are trained in any case, as the reference that the question asks for. Unless given, those
            of `DEFAULT` that the encoders allow.
        prompt: zero-shot prompts to evaluate the contrastive learners with.
        image_encoder: a name of `sims.names.IMAGE_ENCODERS`.
        text_encoder: a name of `sims.names.TEXT_ENCODERS`.
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
    objective: "Sequence[AnyObjective] | None" = parameter(
        None,
        Domain(objectives_option, "NAMES", lambda name, value: None),  # checked with the encoders, below
        f"losses to train with, separated by commas: {', '.join(OBJECTIVE_NAMES)}, or module:function for a loss of "
        f"your own; the supervised ones are trained in any case (default: {','.join(DEFAULT)}, of which linearized "
        "only with linear encoders)",
    )
    prompt: tuple[str, ...] = parameter(PROMPTS, words(PROMPTS), "zero-shot prompts, separated by commas")
    image_encoder: str = parameter("linear", word(IMAGE_ENCODERS), "what reads an image")
    text_encoder: str = parameter("linear", word(TEXT_ENCODERS), "what reads a text")
    embed_dim: int = parameter(8, whole_number(1), "width of the embedding")
    samples: int = parameter(0, whole_number(0), "size of each training set; 0 draws fresh samples at every step")
    steps: int = parameter(6400, STEPS, "most optimiser steps")
    batch_size: int = parameter(64, whole_number(2), "pairs in a step")
    learning_rate: float = parameter(0.05, LEARNING_RATE, "Adam's learning rate at the start")
    seeds: int = parameter(8, whole_number(1), "independent runs of each learner")
    seed: int = parameter(0, SEED, "seed of all random numbers")

    def __post_init__(self) -> None:
        from sims.objectives import find_objective

        check(self)
        allowed = tuple(name for name in OBJECTIVE_NAMES if self.architecture.linear or name not in LINEAR_ONLY)
        if self.objective is None:
            object.__setattr__(self, "objective", tuple(name for name in DEFAULT if name in allowed))
        objectives = tuple(find_objective(objective) for objective in self.objective or ())
        names = [objective.name for objective in objectives]
        for name in names or ("nothing",):
            if name not in allowed and (name in OBJECTIVE_NAMES or not names):
                raise ParameterError("objective", f"among {', '.join(allowed)}", name)
            if names.count(name) > 1:
                raise ParameterError("objective", "each one once", f"{name} twice")
        object.__setattr__(self, "objective", objectives)
        if self.samples and self.batch_size > self.samples:
            raise ParameterError("batch_size", f"at most `samples`, which is {self.samples}", self.batch_size)

    @property
    def architecture(self) -> "Architecture":
        """The encoders."""
        from sims.encoders import Architecture

        dims = int(self.model.image_dim), int(self.model.text_dim), self.embed_dim
        return Architecture(*dims, self.image_encoder, self.text_encoder)

    @functools.cached_property
    def learners(self) -> "dict[str, Objective]":
        """Name to objective, those asked for and the supervised reference: contrastive before supervised ones."""
        from sims.objectives import OBJECTIVES, find_objective

        asked = {objective.name: objective for objective in map(find_objective, self.objective or ())}
        known = {name: each for name, each in OBJECTIVES.items() if name in asked or name in SUPERVISED}
        own = {name: each for name, each in asked.items() if name not in OBJECTIVES}
        return dict(sorted((known | own).items(), key=lambda item: not item[1].contrastive))

    @property
    def supervised(self) -> tuple[str, ...]:
        """The learners without texts, which the others are compared with."""
        return tuple(name for name, objective in self.learners.items() if not objective.contrastive)
