"""AlexNet (Krizhevsky 2014) and VGG (Simonyan and Zisserman 2015) in flax.nnx, as torchvision has them.

Both are convolutions with ReLU and max pools in a row, then three linear maps. torchvision pools the features to a
fixed number of places between the two; at the size of the training that changes nothing, and other sizes are refused
here.
"""

import dataclasses
import itertools
from collections.abc import Collection, Iterator

import jax
from flax import nnx
from jaxtyping import Array, Float

from pretrained.keys import Entry, layer_entries
from pretrained.layers import convolution, linear
from workbench.errors import InputError


@dataclasses.dataclass(frozen=True)
class Convolution:
    """A convolution, and ReLU after it.

    Attributes:
        width: number of channels after it.
        side: of its filters.
        stride: places from one filter to the next.
        padding: rows and columns of zeros on each side.
    """

    width: int
    side: int = 3
    stride: int = 1
    padding: int = 1


@dataclasses.dataclass(frozen=True)
class Pool:
    """The largest value of each square; attributes as in `Convolution`."""

    side: int = 2
    stride: int = 2
    padding: int = 0


@dataclasses.dataclass(frozen=True)
class PlainConfig:
    """The sizes of a plain network.

    Attributes:
        layers: convolutions and pools, in their order.
        places: along a side of the features, after them.
        linear: places of the three linear maps in the file's list, which counts ReLU and dropout too.
        hidden: width of the two hidden layers.
        classes: number of classes.
        image_size: side of an image in pixels.

    Raises:
        InputError: the images leave another number of places.
    """

    layers: tuple[Convolution | Pool, ...]
    places: int
    linear: tuple[int, int, int]
    hidden: int = 4096
    classes: int = 1000
    image_size: int = 224

    def __post_init__(self) -> None:
        side = self.image_size
        for layer in self.layers:
            side = (side + 2 * layer.padding - layer.side) // layer.stride + 1
        if side != self.places:
            raise InputError(
                f"images of {self.image_size} x {self.image_size} pixels leave {side} x {side} places, not the "
                f"{self.places} x {self.places} of the training"
            )

    def build(self, rngs: nnx.Rngs) -> "Plain":
        """The model, with initial weights."""
        return Plain(self, rngs)

    def entries(self, keys: Collection[str]) -> list[Entry]:
        """Where torchvision's file keeps each weight, for a file that has these keys."""
        found = []
        for number, place in enumerate(_places(self.layers)):
            found += layer_entries("convolution", ("convolutions", number), [f"features.{place}"])
        for number, place in enumerate(self.linear):
            found += layer_entries("linear", ("linear", number), [f"classifier.{place}"])
        return found


def _places(layers: tuple[Convolution | Pool, ...]) -> Iterator[int]:
    """The place of each convolution in the file's list, in which ReLU has a place of its own."""
    place = 0
    for layer in layers:
        if isinstance(layer, Convolution):
            yield place
            place += 1
        place += 1


class Plain(nnx.Module):
    """Convolutions and pools, then linear maps.

    Args:
        config: the sizes.
        rngs: source of the initial weights.
    """

    def __init__(self, config: PlainConfig, rngs: nnx.Rngs):
        self.layers = config.layers
        widths = [3, *(layer.width for layer in config.layers if isinstance(layer, Convolution))]
        convolutions = [layer for layer in config.layers if isinstance(layer, Convolution)]
        self.convolutions = nnx.List(
            [
                convolution(before, each.width, each.side, rngs, strides=each.stride, padding=each.padding)
                for before, each in zip(widths[:-1], convolutions, strict=True)
            ]
        )
        sizes = (widths[-1] * config.places**2, config.hidden, config.hidden, config.classes)
        self.linear = nnx.List([linear(*pair, rngs) for pair in itertools.pairwise(sizes)])

    def __call__(self, images: Float[Array, "size side side 3"]) -> Float[Array, "size classes"]:
        """The logits of preprocessed images."""
        features, convolutions = images.astype(self.linear[0].kernel[...].dtype), iter(self.convolutions)
        for layer in self.layers:
            if isinstance(layer, Convolution):
                features = jax.nn.relu(next(convolutions)(features))
            else:
                features = nnx.max_pool(features, (layer.side,) * 2, strides=(layer.stride,) * 2)
        # PyTorch's order, whose channels come first.
        hidden = features.transpose(0, 3, 1, 2).reshape(len(features), -1)
        first, second, head = self.linear
        return head(jax.nn.relu(second(jax.nn.relu(first(hidden)))))


def vgg(*numbers: int, width: int = 64, **sizes: int) -> PlainConfig:
    """A VGG: in each of its five parts so many convolutions of 3 x 3, then a pool.

    Args:
        numbers: of convolutions in each part.
        width: number of channels of the first part; each of the next three has twice as many.
        sizes: further fields of `PlainConfig`.
    """
    layers: list[Convolution | Pool] = []
    for part, number in enumerate(numbers):
        layers += [*([Convolution(width * 2 ** min(part, 3))] * number), Pool()]
    return PlainConfig(tuple(layers), **({"places": 7} | sizes), linear=(0, 3, 6))


ALEXNET = PlainConfig(
    (
        Convolution(64, 11, 4, 2),
        Pool(3),
        Convolution(192, 5, 1, 2),
        Pool(3),
        Convolution(384),
        Convolution(256),
        Convolution(256),
        Pool(3),
    ),
    places=6,
    linear=(1, 4, 6),
)
