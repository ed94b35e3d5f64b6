"""What the rules of repairs are made from: a model's embedded prompts, and the constants that may be tried."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from realdata.models.model import EmbeddingModel
from realdata.repairs.config import RepairConfig
from theory.names import CONSTANT_NAMES
from theory.repair_rules import Prompts

# What the constant of a repair may be when it is chosen; the configured value is tried first, and kept in a tie.
_TRIED = {
    "calibrated": (10.0, 100.0, 1000.0, 10_000.0),
    "whitened": (0.25, 0.5, 1.0),
    "subtract": (0.25, 0.5, 0.75, 1.0),
    "mixture": (0.25, 0.5, 0.75, 1.0),
}


def embed_all_prompts(
    model: EmbeddingModel, names: Sequence[str], backgrounds: Sequence[str], pairing: str, templates: Sequence[str]
) -> Prompts:
    """Embed the prompts of all candidates, backgrounds, and candidates on backgrounds.

    Args:
        model: the model; candidates that it cannot tell apart share the first one's embedding.
        names: of the candidates.
        backgrounds: names of the backgrounds.
        pairing: a class on a background, `{}` twice.
        templates: of the prompts; of several, the mean embedding counts.

    Raises:
        RunError: an embedding is not finite.
    """
    first, second, third = pairing.split("{}")
    pairs = [f"{first}{name}{second}{background}{third}" for name in names for background in backgrounds]
    embedded = model.embed_names(pairs, templates)
    return Prompts(
        model.embed_names(names, templates)[model.firsts],
        model.embed_names(backgrounds, templates),
        embedded.reshape(len(names), len(backgrounds), -1)[model.firsts],
        model.scale,
    )


def tried_constants(name: str, config: RepairConfig) -> list[RepairConfig]:
    """The configurations among which a repair's constant is chosen, first the given one; it alone if there is none."""
    if name not in CONSTANT_NAMES:
        return [config]
    changes: list[dict[str, Any]] = [
        {CONSTANT_NAMES[name]: value} for value in _TRIED[name] if value != config.constant(name)
    ]
    return [config, *(dataclasses.replace(config, **change) for change in changes)]
