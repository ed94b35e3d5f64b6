"""One repair on the embeddings of images and texts of two classes: which function of `theory.repairs`, on what."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from theory import repairs
from theory.model import Scalar
from theory.names import REPAIRS

PLAIN = "none"


class Texts(NamedTuple):
    """What repairs know: embeddings of prompts and captions. Classes and backgrounds are -1 and +1, in this order.

    Attributes:
        prompts: of the classes.
        backgrounds: of the backgrounds, each that which goes with the class of its row.
        pairs: of each class on each background.
        means: of the mean captions of the classes.
        covariance: of the embeddings of captions.
    """

    prompts: Float[Array, "2 width"]
    backgrounds: Float[Array, "2 width"]
    pairs: Float[Array, "2 2 width"]
    means: Float[Array, "2 width"]
    covariance: Float[Array, "width width"]


def repaired_scores(
    repair: str,
    images: Float[Array, "size width"],
    texts: Texts,
    unlabelled: Float[Array, "unlabelled width"],
    constant: Scalar,
    scale: Scalar = 1.0,
) -> Float[Array, "size 2"]:
    """Scores of the classes after a repair.

    Args:
        repair: one of `theory.REPAIRS`, or `PLAIN`.
        images: embeddings to classify.
        texts: embeddings of texts.
        unlabelled: embeddings of other images, for TIE's constants.
        constant: the repair's, where it has one.
        scale: factor of the inner products, which PerceptionCLIP reads.

    Raises:
        ValueError: another repair.
    """
    prompts, backgrounds = texts.prompts, texts.backgrounds
    if repair == "perception":
        return repairs.perceive(images, texts.pairs, scale)
    if repair == "tie":
        images = repairs.translate(images, backgrounds, repairs.shifts_of(unlabelled, backgrounds))
    elif repair == "roboshot":
        images = repairs.reject(images, backgrounds[1:] - backgrounds[:1])
    elif repair == "projection":
        prompts = repairs.project(prompts, backgrounds)
    elif repair == "calibrated":
        prompts = repairs.calibrate(prompts, backgrounds, texts.pairs, constant)
    elif repair == "whitened":
        prompts = repairs.whiten(prompts, texts.covariance, constant)
    elif repair == "subtract":
        prompts = repairs.subtract(prompts, backgrounds, constant)
    elif repair == "mixture":
        prompts = repairs.mix(prompts, texts.means, constant)
    elif repair != PLAIN:
        raise ValueError(f"repair must be {PLAIN} or one of {', '.join(REPAIRS)}, got {repair!r}")
    return images @ prompts.T


def share_right(scores: Float[Array, "size 2"], labels: Float[Array, " size"]) -> Float[Array, ""]:
    """Share of images whose own class, -1 or +1, scores higher."""
    return jnp.mean(jnp.where((scores[:, 1] - scores[:, 0]) * labels > 0, 1.0, 0.0))
