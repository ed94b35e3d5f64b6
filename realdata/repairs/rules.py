"""A repair as a rule: from photos' embeddings to a score for each candidate, by the functions of `theory.repairs`."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from realdata.models.model import EmbeddingModel
from realdata.repairs.config import RepairConfig
from theory import repairs
from theory.model import Scalar
from workbench.compilation import jit

PLAIN = "plain"
# What the constant of a repair may be when it is chosen; the configured value is tried first, and kept in a tie.
TRIED = {
    "calibrated": ("strength", (10.0, 100.0, 1000.0, 10_000.0)),
    "whitened": ("power", (0.25, 0.5, 1.0)),
    "subtract": ("weight", (0.25, 0.5, 0.75, 1.0)),
    "mixture": ("share", (0.25, 0.5, 0.75, 1.0)),
}

Scores = Callable[[Float[np.ndarray, "photos width"]], Float[np.ndarray, "photos candidates"]]


class Prompts(NamedTuple):
    """The embedded prompts, each of unit length.

    Attributes:
        classes: of the candidates.
        backgrounds: of the backgrounds alone.
        pairs: of each candidate on each background.
        scale: the factor of cosine similarities in the model's training.
    """

    classes: Float[np.ndarray, "candidates width"]
    backgrounds: Float[np.ndarray, "backgrounds width"]
    pairs: Float[np.ndarray, "candidates backgrounds width"]
    scale: float


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


_similarities = jit(lambda images, prompts: images @ prompts.T, brief=True)
_shifts_of = jit(repairs.shifts_of, brief=True)
_perceive = jit(repairs.perceive, brief=True)
_reject = jit(lambda images, prompts, harmful: repairs.reject(images, harmful) @ prompts.T, brief=True)
_translate = jit(
    lambda images, prompts, backgrounds, shifts: repairs.translate(images, backgrounds, shifts) @ prompts.T, brief=True
)


def _of_unit_length(repair: Callable[..., Any]) -> Any:
    return jit(lambda *given: repairs.to_unit_length(repair(*given)), brief=True)


_project, _calibrate, _whiten = (_of_unit_length(each) for each in (repairs.project, repairs.calibrate, repairs.whiten))


@_of_unit_length
def _subtract(
    classes: Float[Array, "candidates width"], backgrounds: Float[Array, "backgrounds width"], weight: Scalar
) -> Float[Array, "candidates width"]:
    # No label says which background goes with a class: the one whose prompt is nearest to the class's.
    return repairs.subtract(classes, repairs.infer_backgrounds(classes, backgrounds) @ backgrounds, weight)


@_of_unit_length
def _mix(
    classes: Float[Array, "candidates width"], pairs: Float[Array, "candidates backgrounds width"], share: Scalar
) -> Float[Array, "candidates width"]:
    return repairs.mix(classes, repairs.to_unit_length(jnp.mean(pairs, axis=1)), share)


def rule_of(name: str, prompts: Prompts, config: RepairConfig, unlabelled: Float[np.ndarray, "others width"]) -> Scores:
    """The rule of a repair, or of the plain prompt.

    Args:
        name: `plain`, or a repair.
        prompts: the embedded prompts.
        config: the constants.
        unlabelled: embeddings of photos, for TIE's shifts.

    Returns:
        A function of photos' embeddings that gives a score for each candidate.
    """
    classes, backgrounds, pairs, scale = prompts
    if name == "roboshot":
        return lambda images: _reject(images, classes, backgrounds[1:] - backgrounds[:1])
    if name == "tie":
        shifts = _shifts_of(unlabelled, backgrounds)
        return lambda images: _translate(images, classes, backgrounds, shifts)
    if name == "perception":
        return lambda images: _perceive(images, pairs, scale)
    changed = repaired_prompts(name, prompts, config)
    return lambda images: _similarities(images, changed)


def repaired_prompts(name: str, prompts: Prompts, config: RepairConfig) -> Float[np.ndarray, "candidates width"]:
    """The candidates' prompts after a repair of prompts, of unit length."""
    classes, backgrounds, pairs, _ = prompts
    if name == PLAIN:
        return classes
    if name == "projection":
        changed = _project(classes, backgrounds)
    elif name == "calibrated":
        changed = _calibrate(classes, backgrounds, pairs, config.strength)
    elif name == "whitened":
        from sklearn.covariance import ledoit_wolf  # slow to import

        covariance, _ = ledoit_wolf(pairs.reshape(-1, classes.shape[1]))
        changed = _whiten(classes, covariance.astype(classes.dtype), config.power)
    elif name == "subtract":
        changed = _subtract(classes, backgrounds, config.weight)
    else:
        assert name == "mixture"
        changed = _mix(classes, pairs, config.share)
    return np.asarray(changed)


def tried_constants(name: str, config: RepairConfig) -> list[RepairConfig]:
    """The configurations among which a repair's constant is chosen, first the given one; it alone if there is none."""
    if name not in TRIED:
        return [config]
    constant, values = TRIED[name]
    changes: list[dict[str, Any]] = [{constant: value} for value in values if value != getattr(config, constant)]
    return [config, *(dataclasses.replace(config, **change) for change in changes)]
