"""The configuration of `sims.repairs`."""

import dataclasses

from sims.training.config import ContrastiveConfig
from theory.model import CAPTIONS, Caption, SpuriousModel
from theory.names import CONSTANT_NAMES, REPAIRS
from workbench import program
from workbench.errors import ParameterError
from workbench.parameters import (
    LEARNING_RATE,
    SEED,
    SHARE,
    STEPS,
    check,
    number,
    parameter,
    whole_number,
    word,
    words,
)

# Losses whose repaired rule has a closed form: on inner products, and on embeddings of unit length.
OBJECTIVES = ("linearized", "infonce_bilinear", "infonce", "siglip")
UNIT_LENGTH = ("infonce", "siglip")
_NOT_NEGATIVE = number(program.non_negative_number, "a number of at least 0", lambda value: 0 <= value <= 1e6)


@dataclasses.dataclass(frozen=True)
class RepairConfig:
    """What to train, and which repairs to apply with which constants.

    Attributes:
        model: parameters of the synthetic model.
        objective: names of `OBJECTIVES`.
        repair: names of `theory.REPAIRS`.
        strength: lambda of `calibrated`.
        power: of the captions' covariance in `whitened`.
        weight: of the background in `subtract`.
        share: of the class mean in `mixture`.
        caption: what captions say, a kind of `theory.CAPTIONS`.
        mention_inv: probability that a caption mentions the class or invariant feature; above 0.
        mention_spu: probability that it mentions the background; 0 for `label` captions, whatever this says.
        captions: how many captions, and as many unlabelled images, the repairs are made from; the probes read as many
            images with labels.
        embed_dim: width of the embedding; at least 2.
        steps: optimiser steps.
        batch_size: pairs in a step; at least 2.
        learning_rate: Adam's, at the start.
        seeds: independent runs of each objective; at least 2, whose spread is the error.
        seed: of all random numbers.

    Raises:
        ParameterError: a value outside its domain, or captions of words that may say nothing, which have no direction,
            for a loss on embeddings of unit length.
    """

    model: SpuriousModel = dataclasses.field(default_factory=SpuriousModel)
    objective: tuple[str, ...] = parameter(
        OBJECTIVES, words(OBJECTIVES), f"losses to train with, separated by commas, among {', '.join(OBJECTIVES)}"
    )
    repair: tuple[str, ...] = parameter(
        tuple(REPAIRS), words(tuple(REPAIRS)), f"repairs, separated by commas, among {', '.join(REPAIRS)}"
    )
    strength: float = parameter(REPAIRS["calibrated"], _NOT_NEGATIVE, "lambda of `calibrated`")
    power: float = parameter(REPAIRS["whitened"], SHARE, "power of the captions' covariance in `whitened`")
    weight: float = parameter(REPAIRS["subtract"], _NOT_NEGATIVE, "weight of the background in `subtract`")
    share: float = parameter(REPAIRS["mixture"], SHARE, "share of the class mean in `mixture`")
    caption: str = parameter("latent", word(CAPTIONS), "what captions say")
    mention_inv: float = parameter(
        1.0,
        number(program.share, "above 0 and at most 1", lambda value: 0 < value <= 1),
        "probability that a caption mentions the class or invariant feature",
    )
    mention_spu: float = parameter(1.0, SHARE, "probability that a caption mentions the background")
    captions: int = parameter(
        4096, whole_number(16), "captions, and unlabelled images, that repairs are made from; the probes' images"
    )
    embed_dim: int = parameter(8, whole_number(2), "width of the embedding")
    steps: int = parameter(6400, STEPS, "optimiser steps")
    batch_size: int = parameter(64, whole_number(2), "pairs in a step")
    learning_rate: float = parameter(0.05, LEARNING_RATE, "Adam's learning rate at the start")
    seeds: int = parameter(8, whole_number(2), "independent runs of each objective")
    seed: int = parameter(0, SEED, "seed of all random numbers")

    def __post_init__(self) -> None:
        check(self)
        silent = self.mention_inv < 1 and (self.caption == "label" or self.mention_spu < 1)
        turned = [name for name in self.objective if name in UNIT_LENGTH]
        if silent and self.caption != "latent" and turned:
            raise ParameterError(
                "mention_inv",
                f"1 for {self.caption} captions and {turned[0]}, as no words have no direction",
                self.mention_inv,
            )

    @property
    def training(self) -> ContrastiveConfig:
        """The main job's configuration that trains these encoders."""
        names = ("embed_dim", "steps", "batch_size", "learning_rate", "seeds", "seed")
        settings = {name: getattr(self, name) for name in names}
        return ContrastiveConfig(self.model, self.objective, ("label",), **settings)

    @property
    def said(self) -> Caption:
        """What captions say."""
        return Caption(self.caption, self.mention_inv, self.mention_spu)

    def constant(self, repair: str) -> float:
        """A repair's constant; 0 for one that has none."""
        return getattr(self, CONSTANT_NAMES[repair]) if repair in CONSTANT_NAMES else 0.0
