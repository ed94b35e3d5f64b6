"""Painting digits: white ink on a coloured background, on any device.

There are as many colours as digits, each dark enough for white ink.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from sims.colored_digits.design import Design


class Colour(NamedTuple):
    """A colour: red, green and blue, 0 to 255."""

    name: str
    rgb: tuple[int, int, int]


# Two far apart first: they are the spurious ones.
COLOURS = (
    Colour("red", (200, 30, 30)),
    Colour("green", (20, 140, 40)),
    Colour("blue", (30, 60, 200)),
    Colour("purple", (125, 30, 160)),
    Colour("orange", (215, 115, 0)),
    Colour("teal", (0, 130, 130)),
    Colour("brown", (110, 65, 25)),
    Colour("pink", (215, 80, 150)),
    Colour("olive", (125, 125, 0)),
    Colour("black", (0, 0, 0)),
)


def palette(classes: int) -> Float[np.ndarray, "colours 3"]:
    """The first colours, each channel from 0 to 1."""
    return np.array([colour.rgb for colour in COLOURS[:classes]], np.float32) / 255.0


class Sample(NamedTuple):
    """A training set without its pixels: which digit's image each of its images shows, and how it is painted."""

    digits: Int[Array, " size"]
    labels: Int[Array, " size"]
    colours: Int[Array, " size"]
    mentions: Float[Array, "size 2"]  # 1 where the caption names the object, and the background


def draw_sample(
    key: Key[Array, ""],
    design: Design,
    digits: Int[Array, " images"],
    size: int,
    mentions: tuple[float, float],
) -> Sample:
    """Draw a training set of `size` images, each digit's image shown as often as the others.

    Args:
        key: random key.
        design: how labels and colours are drawn.
        digits: the digit in each of the images that there are.
        size: of the training set.
        mentions: probabilities that a caption names the object, and the background.
    """
    order, label, colour, mention = jax.random.split(key, 4)
    shown = jax.random.permutation(order, digits.shape[0])[jnp.arange(size) % digits.shape[0]]
    labels = _draw(label, jnp.asarray(design.label_given_digit)[digits[shown]])
    colours = _draw(colour, jnp.asarray(design.training_colours)[labels])
    named = jax.random.uniform(mention, (size, 2)) < jnp.asarray(mentions)[None, :]
    return Sample(shown, labels, colours, named.astype(float))


def _draw(key: Key[Array, ""], probabilities: Float[Array, "size classes"]) -> Int[Array, " size"]:
    """One class for each row."""
    below = jax.random.uniform(key, (probabilities.shape[0], 1)) > jnp.cumsum(probabilities, axis=1)
    return jnp.minimum(jnp.sum(below, axis=1), probabilities.shape[1] - 1)


def paint(
    digits: Float[Array, "size height width"], colours: Float[Array, "size 3"]
) -> Float[Array, "size height*width*3"]:
    """Images of digits in white on their colours, channels from -1 to 1, flattened row by row."""
    ink = digits[..., None]
    images = ink + (1.0 - ink) * colours[:, None, None, :]
    return (2.0 * images - 1.0).reshape(images.shape[0], -1)


def shift(
    key: Key[Array, ""], digits: Float[Array, "size height width"], most: int
) -> Float[Array, "size height width"]:
    """Each digit moved by up to `most` pixels along both axes, evenly; paper follows."""
    if most == 0:
        return digits
    size, height, width = digits.shape
    padded = jnp.pad(digits, ((0, 0), (most, most), (most, most)))
    corners = jax.random.randint(key, (size, 2), 0, 2 * most + 1)
    rows = corners[:, :1] + jnp.arange(height)[None, :]
    columns = corners[:, 1:] + jnp.arange(width)[None, :]
    return padded[jnp.arange(size)[:, None, None], rows[:, :, None], columns[:, None, :]]


def captions(
    objects: Int[Array, " size"], backgrounds: Int[Array, " size"], mentions: Float[Array, "size 2"], classes: int
) -> Float[Array, "size words"]:
    """Bags of words: the object's, the background's, and "a photo", which every caption has.

    Args:
        objects: the object that a caption names.
        backgrounds: the background that it names.
        mentions: 1 where it does, 0 where it does not.
        classes: number of words for each.
    """
    words = [jax.nn.one_hot(named, classes) for named in (objects, backgrounds)]
    words = [word * mentions[:, column, None] for column, word in enumerate(words)]
    return jnp.concatenate([*words, jnp.ones((len(objects), 1))], axis=1)


def prompts(classes: int) -> Float[Array, "classes words"]:
    """A prompt for each class: the caption that names the object and no background."""
    names = jnp.arange(classes)
    return captions(names, names, jnp.asarray(np.tile([[1.0, 0.0]], (classes, 1))), classes)
