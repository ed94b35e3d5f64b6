"""Every repair as a rule of a CLIP: from embedded prompts of any number of classes to a score of each for an image.

The functions of arrays are those of `theory.repairs`. Here stands what a CLIP adds: prompts are divided by their
length before and after, PerceptionCLIP reads the trained scale, and where no label says which background goes with a
class, the nearest prompt does. Simulated and real CLIPs are repaired by these rules.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theory import repairs
from theory.model import Scalar
from workbench.compilation import jit

PLAIN = "plain"

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


def rule_of(name: str, prompts: Prompts, constant: float, unlabelled: Float[np.ndarray, "others width"]) -> Scores:
    """The rule of a repair, or of the plain prompt.

    Args:
        name: `plain`, or one of `theory.REPAIRS`.
        prompts: the embedded prompts.
        constant: the repair's; any number for a repair that has none.
        unlabelled: embeddings of photos, for TIE's shifts.

    Returns:
        A function of photos' embeddings that gives a score for each candidate.

    Raises:
        ValueError: there is no such repair.
    """
    classes, backgrounds, pairs, scale = prompts
    if name == "roboshot":
        return lambda images: _reject(images, classes, backgrounds[1:] - backgrounds[:1])
    if name == "tie":
        shifts = _shifts_of(unlabelled, backgrounds)
        return lambda images: _translate(images, classes, backgrounds, shifts)
    if name == "perception":
        kept = jnp.asarray(pairs)  # on the device once, not with every batch of images
        return lambda images: _perceive(images, kept, scale)
    changed = repaired_prompts(name, prompts, constant)
    return lambda images: _similarities(images, changed)


def repaired_prompts(name: str, prompts: Prompts, constant: float) -> Float[np.ndarray, "candidates width"]:
    """The candidates' prompts after a repair of prompts, of unit length; arguments and errors as `rule_of`."""
    classes, backgrounds, pairs, _ = prompts
    if name == PLAIN:
        return classes
    if name == "projection":
        changed = _project(classes, backgrounds)
    elif name == "calibrated":
        changed = _calibrate(classes, backgrounds, pairs, constant)
    elif name == "whitened":
        from sklearn.covariance import ledoit_wolf  # slow to import

        covariance, _ = ledoit_wolf(pairs.reshape(-1, classes.shape[1]))
        changed = _whiten(classes, covariance.astype(classes.dtype), constant)
    elif name == "subtract":
        changed = _subtract(classes, backgrounds, constant)
    elif name == "mixture":
        changed = _mix(classes, pairs, constant)
    else:
        raise ValueError(f"repair must be {PLAIN} or a repair of prompts, got {name!r}")
    return np.asarray(changed)
