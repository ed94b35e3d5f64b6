"""The configuration of the main job."""

import dataclasses

from sims.encoders import Architecture
from sims.objectives import DEFAULT, LINEAR_ONLY, OBJECTIVES, SUPERVISED
from sims.training.options import check_numbers
from theory.model import SpuriousModel
from theory.statements.zero_shot import PROMPTS
from workbench.errors import ParameterError

# The least that each whole number may be.
MINIMUM = {"embed_dim": 1, "samples": 0, "steps": 1, "batch_size": 2, "seeds": 1, "seed": 0}


@dataclasses.dataclass(frozen=True)
class ContrastiveConfig:
    """What to train, on what, and for how long.

    Attributes:
        model: parameters of the synthetic model.
        objective: names from `sims.objectives.OBJECTIVES`; the supervised ones are trained in any case, as the
            reference that the question asks for. Unless given, those of `DEFAULT` that the encoders allow.
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
    objective: tuple[str, ...] | None = None
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
        objectives = tuple(name for name in OBJECTIVES if self.architecture.linear or name not in LINEAR_ONLY)
        if self.objective is None:
            object.__setattr__(self, "objective", tuple(name for name in DEFAULT if name in objectives))
        for name, allowed in (("objective", objectives), ("prompt", PROMPTS)):
            words = getattr(self, name)
            for word in words or ("nothing",):
                if word not in allowed:
                    raise ParameterError(name, f"among {', '.join(allowed)}", word)
        if self.samples and self.batch_size > self.samples:
            raise ParameterError("batch_size", f"at most --samples, which is {self.samples}", self.batch_size)

    @property
    def architecture(self) -> Architecture:
        """The encoders."""
        dims = int(self.model.image_dim), int(self.model.text_dim), self.embed_dim
        return Architecture(*dims, self.image_encoder, self.text_encoder)

    @property
    def learners(self) -> tuple[str, ...]:
        """The objectives to train, in the table's order: those asked for, and the supervised reference."""
        return tuple(name for name in OBJECTIVES if name in (self.objective or ()) or name in SUPERVISED)
