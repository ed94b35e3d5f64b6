"""Coloured digits as photos with captions, and a CLIP trained on such."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, UInt8

from pretrained.checkpoint import Checkpoint
from sims.clip.model import tiny_clip
from sims.clip.training import train_on
from sims.colored_digits.config import SAMPLES_A_CLASS
from sims.colored_digits.design import SPURIOUS, Design
from sims.colored_digits.digits import Digits, Split
from sims.colored_digits.painting import COLOURS, draw_sample, palette
from sims.objectives.infonce import clip_loss
from sims.training.loop import OnProgress, no_progress
from workbench.compilation import jit

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
PROMPT = "A photo of {}."  # the paper's
PAIRING = "{} on {}"  # a class on a background, as captions say it
_BATCH, _RATE, _DECAY = 128, 2e-3, 0.01


class Photo(NamedTuple):
    """A test photo: which image of a digit, on which colour, and where it belongs."""

    digit: int
    class_index: int
    group: str
    background: int
    path: str


def caption(label: int, colour: int, names_object: bool, names_background: bool) -> str:
    """What a caption says."""
    thing = NAMES[label] if names_object else "something"
    return PROMPT.format(PAIRING.format(thing, COLOURS[colour].name) if names_background else thing)


def paint_bytes(
    digits: Float[np.ndarray, "size height width"], colours: Int[np.ndarray, " size"]
) -> UInt8[np.ndarray, "size height width 3"]:
    """White digits on their colours, as bytes."""
    ink = digits[..., None]
    backgrounds = palette(len(COLOURS))[colours][:, None, None, :]
    return np.rint(255.0 * (ink + (1.0 - ink) * backgrounds)).astype(np.uint8)


def counter_colour(label: int, classes: int) -> int:
    """The background of a class's counter photos: of 0 and 1 each other's colour, of the others the next one's."""
    if label in SPURIOUS:
        return 1 - label
    others = classes - len(SPURIOUS)
    return 0 if others == 1 else 2 + (label - 1) % others


def held_out_photos(digits: Split, classes: int, each: int | None = None) -> list[Photo]:
    """Up to `each` photos of every class in both groups, the same images in both; all that there are unless told.

    From four classes on, those above 1 are a control: neither of their two backgrounds tells of any class.
    """
    photos = []
    for label in range(classes):
        shown = np.flatnonzero(digits.labels == label)[:each]
        backgrounds = {"common": label, "counter": counter_colour(label, classes)}
        for group, colour in backgrounds.items():
            folder = f"{label} {NAMES[label]}/{group}-{COLOURS[colour].name}"
            photos += [
                Photo(int(digit), label, group, colour, f"{folder}/{place:04d}.png")
                for place, digit in enumerate(shown)
            ]
    return photos


def train_captioned(
    design: Design,
    digits: Digits,
    mentions: tuple[float, float],
    steps: int,
    seed: int,
    on_progress: OnProgress = no_progress,
) -> Checkpoint:
    """A small CLIP trained with CLIP's loss on captioned digits on coloured backgrounds.

    Args:
        design: how labels and colours are drawn.
        digits: the digits to paint.
        mentions: probabilities that a caption names the object, and the background.
        steps: optimiser steps.
        seed: of all random numbers.
        on_progress: called with the step reached.

    Raises:
        RunError: the weights stopped being finite.
        KeyboardInterrupt: it was interrupted.
    """
    key = jax.random.fold_in(jax.random.key(seed), 0)
    size = max(_BATCH, SAMPLES_A_CLASS * design.classes)
    draw = jit(lambda key, labels: draw_sample(key, design, labels, size, mentions), quick=True)
    sample = jax.device_get(draw(key, jnp.asarray(digits.train.labels)))
    said = [
        caption(int(label), int(colour), bool(named[0]), bool(named[1]))
        for label, colour, named in zip(sample.labels, sample.colours, sample.mentions, strict=True)
    ]
    checkpoint = tiny_clip(digits.train.images.shape[1], sorted(set(said)), seed)
    model = train_on(
        checkpoint.model,
        clip_loss,
        paint_bytes(digits.train.images[sample.digits], sample.colours),
        checkpoint.tokenizer(said),
        checkpoint.preprocessing,
        steps=steps,
        batch_size=_BATCH,
        learning_rate=_RATE,
        weight_decay=_DECAY,
        seed=seed,
        on_progress=on_progress,
    )
    return checkpoint._replace(model=model)
