"""The main job's configuration."""

import dataclasses
import functools
from collections.abc import Sequence

from sims.encoders import IMAGE_ENCODERS, TEXT_ENCODERS, Architecture
from sims.objectives import DEFAULT, LINEAR_ONLY, OBJECTIVES, SUPERVISED, AnyObjective, Objective, find_objective
from sims.objectives.table import objectives_option
from theory.model import SpuriousModel
from theory.names import PROMPTS
from workbench.errors import ParameterError
from workbench.parameters import LEARNING_RATE, SEED, STEPS, Domain, check, parameter, whole_number, word, words


@dataclasses.dataclass(frozen=True)
class ContrastiveConfig:
    """What to train, on what, and for how long.

    Attributes:
        model: parameters of the synthetic model.
        objective: names from `sims.objectives.OBJECTIVES`, or objectives of one's own (`sims.objectives.table`); the
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
    objective: Sequence[AnyObjective] | None = parameter(
        None,
        Domain(objectives_option, "NAMES", lambda name, value: None),  # checked with the encoders, below
        f"losses to train with, separated by commas: {', '.join(OBJECTIVES)}, or module:function for a loss of your "
        f"own; the supervised ones are trained in any case (default: {','.join(DEFAULT)}, of which linearized only "
        "with linear encoders)",
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
        check(self)
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
