"""The sizes of a CLIP or SigLIP and of its towers: a vision transformer, a ResNet or a ConvNeXt, and the text tower."""

import contextlib
import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.errors import InputError, ParameterError

ACTIVATIONS = ("gelu", "quick_gelu", "gelu_pytorch_tanh")
POOLINGS = ("argmax", "eos", "last")
_LARGEST = 2**24  # for any size; no model is larger, and larger sizes overflow


def _check_sizes(what: str, config: object, *names: str) -> None:
    """Check that sizes are whole numbers, since files may hold anything.

    Raises:
        InputError: a size is not a whole number, or too large; the message names the first one.
    """
    for name in names:
        value = getattr(config, name)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _LARGEST:
            raise InputError(f"{what} {name} must be at least 1, a whole number and at most {_LARGEST}, got {value!r}")


def _check_stages(what: str, *sizes: tuple[int, ...]) -> None:
    """Check the numbers of blocks, or of channels, of the stages of a convolutional network."""
    for each in sizes:
        if len(each) != 4 or any(isinstance(size, bool) or not isinstance(size, int) for size in each):
            raise InputError(f"{what} stages must be given by four whole numbers, got {list(each)}")
        if not all(1 <= size <= _LARGEST for size in each):
            raise InputError(f"{what} stages must be from 1 to {_LARGEST}, got {list(each)}")


def _check_epsilon(epsilon: object) -> None:
    if isinstance(epsilon, bool) or not isinstance(epsilon, int | float) or not 0 < epsilon < math.inf:
        raise InputError(f"what layer norms add must be a positive number, got {epsilon!r}")


@dataclasses.dataclass(frozen=True)
class TransformerConfig:
    """The sizes of a transformer.

    Attributes:
        width: width of a token.
        layers: number of blocks.
        heads: number of attention heads, which divides the width.
        hidden: width of a block's hidden layer.
        activation: `gelu`; `quick_gelu`, x sigmoid(1.702 x), as in OpenAI's CLIPs; or `gelu_pytorch_tanh`, the
            approximation with a tanh, as in SigLIP.
        norm_epsilon: added to variances in layer norms.

    Raises:
        InputError: sizes that do not fit together, or another activation.
    """

    width: int
    layers: int
    heads: int
    hidden: int
    activation: str = "quick_gelu"
    norm_epsilon: float = 1e-5

    def __post_init__(self) -> None:
        _check_sizes("a transformer's", self, "width", "layers", "heads", "hidden")
        if self.width % self.heads:
            raise InputError(f"a transformer's width must be a multiple of its {self.heads} heads, got {self.width}")
        if self.activation not in ACTIVATIONS:
            raise InputError(f"the activation must be among {', '.join(ACTIVATIONS)}, got {self.activation}")
        _check_epsilon(self.norm_epsilon)

    def changed(self, activation: str | None, norm_epsilon: float | None) -> "TransformerConfig":
        """The same with other settings; None keeps one."""
        return dataclasses.replace(
            self, activation=activation or self.activation, norm_epsilon=norm_epsilon or self.norm_epsilon
        )


@dataclasses.dataclass(frozen=True)
class VisionConfig:
    """The image tower: a vision transformer.

    Attributes:
        transformer: its blocks.
        image_size: side of an image, in pixels.
        patch_size: side of a patch in pixels; a rest at the right and at the bottom is ignored.

    Raises:
        InputError: an image is smaller than a patch.
    """

    transformer: TransformerConfig
    image_size: int
    patch_size: int

    def __post_init__(self) -> None:
        _check_sizes("an image's", self, "image_size", "patch_size")
        if self.patch_size > self.image_size:
            raise InputError(f"a image's side must be at least a patch's, got {self.image_size} and {self.patch_size}")

    @property
    def grid(self) -> int:
        """Number of patches along a side."""
        return self.image_size // self.patch_size

    @property
    def patches(self) -> int:
        """Number of patches of an image."""
        return self.grid**2

    @property
    def floats_at_once(self) -> int:
        """How many numbers of an image are in memory at once; measured on a CPU, rounded up."""
        tokens, blocks = self.patches + 1, self.transformer
        return tokens * (8 * blocks.width + 2 * blocks.hidden) + 3 * blocks.heads * tokens**2

    def changed(self, image_size: int | None, activation: str | None, norm_epsilon: float | None) -> "VisionConfig":
        """The same with other settings; None keeps one.

        Raises:
            ParameterError: the images are smaller than a patch.
        """
        size = image_size or self.image_size
        if size < self.patch_size:
            raise ParameterError("image_size", f"at least a patch's side, {self.patch_size}", size)
        return dataclasses.replace(
            self, transformer=self.transformer.changed(activation, norm_epsilon), image_size=size
        )

    def description(self) -> dict[str, Any]:
        """Plain data for a summary."""
        sizes = {"image_size": self.image_size, "patch_size": self.patch_size}
        return {"kind": "ViT"} | dataclasses.asdict(self.transformer) | sizes


@dataclasses.dataclass(frozen=True)
class ResNetConfig:
    """The image tower of some of OpenAI's CLIPs: a ResNet whose features are pooled by attention.

    Attributes:
        layers: number of blocks of each of four stages.
        width: channels of the stem; the last stage has 32 times as many.
        heads: number of heads of the pooling, which divides the last stage's channels.
        image_size: side of an image in pixels, a multiple of 32.

    Raises:
        InputError: sizes that do not fit together.
    """

    layers: tuple[int, ...]
    width: int
    heads: int
    image_size: int

    def __post_init__(self) -> None:
        _check_stages("a ResNet's", self.layers)
        _check_sizes("a ResNet's", self, "width", "heads", "image_size")
        if self.width % 2:
            raise InputError(f"a ResNet's width must be even, got {self.width}")
        if self.features % self.heads:
            raise InputError(f"a ResNet's features must be a multiple of its {self.heads} heads, got {self.features}")
        if self.image_size % 32:
            raise InputError(f"a ResNet's image_size must be a multiple of 32, got {self.image_size}")

    @property
    def features(self) -> int:
        """Channels of the last stage."""
        return 32 * self.width

    @property
    def grid(self) -> int:
        """Number of places along a side of the last stage."""
        return self.image_size // 32

    @property
    def floats_at_once(self) -> int:
        """How many numbers of an image are in memory at once; measured on a CPU, rounded up."""
        return 4 * self.width * (self.image_size // 2) ** 2

    def changed(self, image_size: int | None, activation: str | None, norm_epsilon: float | None) -> "ResNetConfig":
        """The same: it has neither an activation to choose nor layer norms.

        Raises:
            ParameterError: another size, for whose places there are no positions.
        """
        if image_size not in (None, self.image_size):
            raise ParameterError("image_size", f"{self.image_size}, the only size that this ResNet pools", image_size)
        return self

    def description(self) -> dict[str, Any]:
        """Plain data for a summary."""
        return {"kind": "ResNet"} | dataclasses.asdict(self) | {"layers": list(self.layers)}


PROJECTIONS = ("linear", "mlp")


@dataclasses.dataclass(frozen=True)
class ConvNeXtConfig:
    """The image tower of some of OpenCLIP's CLIPs: a ConvNeXt, and its map to the embedding.

    Attributes:
        layers: number of blocks of each of four stages.
        widths: number of channels of each stage.
        image_size: side of an image in pixels, at least 32.
        norm_epsilon: added to variances in layer norms.
        projection: `linear`, or `mlp`, with a hidden layer.
        projection_bias: whether the last map to the embedding has a bias.

    Raises:
        InputError: sizes that do not fit together, or another projection.
    """

    layers: tuple[int, ...]
    widths: tuple[int, ...]
    image_size: int
    norm_epsilon: float = 1e-6
    projection: str = "linear"
    projection_bias: bool = False

    def __post_init__(self) -> None:
        _check_stages("a ConvNeXt's", self.layers, self.widths)
        _check_sizes("a ConvNeXt's", self, "image_size")
        _check_epsilon(self.norm_epsilon)
        if self.image_size < 32:
            raise InputError(f"a ConvNeXt's image_size must be at least 32, got {self.image_size}")
        if self.projection not in PROJECTIONS:
            raise InputError(f"the projection must be among {', '.join(PROJECTIONS)}, got {self.projection}")

    @property
    def grid(self) -> int:
        """Number of places along a side of the last stage."""
        return self.image_size // 32

    @property
    def floats_at_once(self) -> int:
        """How many numbers of an image are in memory at once; measured on a CPU, rounded up."""
        return 21 * self.widths[0] * (self.image_size // 4) ** 2

    def changed(self, image_size: int | None, activation: str | None, norm_epsilon: float | None) -> "ConvNeXtConfig":
        """The same with other settings; None keeps one. Its activation is GELU in all of its files.

        Raises:
            ParameterError: the images are smaller than a place of the last stage.
        """
        size = image_size or self.image_size
        if size < 32:
            raise ParameterError("image_size", "at least 32", size)
        return dataclasses.replace(self, image_size=size, norm_epsilon=norm_epsilon or self.norm_epsilon)

    def description(self) -> dict[str, Any]:
        """Plain data for a summary."""
        lists = {"layers": list(self.layers), "widths": list(self.widths)}
        return {"kind": "ConvNeXt"} | dataclasses.asdict(self) | lists


ImageTowerConfig = VisionConfig | ResNetConfig | ConvNeXtConfig


@dataclasses.dataclass(frozen=True)
class TextConfig:
    """The text tower.

    Attributes:
        transformer: its blocks.
        vocabulary: size of the vocabulary.
        context: number of tokens of a text, padding included.
        pooling: the token whose output is a text's embedding: `argmax`, the one with the highest number (OpenAI's and
            OpenCLIP's); `eos`, the first end token; `last`, the last token.
        end_token: the token at the end of every text.
        causal: whether a token attends only to earlier tokens and itself.
        projection_bias: whether the linear map to the embedding has a bias.

    Raises:
        InputError: another pooling.
    """

    transformer: TransformerConfig
    vocabulary: int
    context: int
    pooling: str
    end_token: int
    causal: bool = True
    projection_bias: bool = False

    def __post_init__(self) -> None:
        _check_sizes("the text's", self, "vocabulary", "context")
        if isinstance(self.end_token, bool) or not isinstance(self.end_token, int) or self.end_token < 0:
            raise InputError(f"the text's end token must be a token's number, got {self.end_token!r}")
        if self.pooling not in POOLINGS:
            raise InputError(f"the text pooling must be among {', '.join(POOLINGS)}, got {self.pooling}")


@dataclasses.dataclass(frozen=True)
class CLIPConfig:
    """A CLIP: both towers, and the width of the embedding that they share.

    Raises:
        InputError: the width is not a whole number.
    """

    vision: ImageTowerConfig
    text: TextConfig
    embed_dim: int

    def __post_init__(self) -> None:
        _check_sizes("the embedding's", self, "embed_dim")


@dataclasses.dataclass(frozen=True)
class SigLIPConfig:
    """A SigLIP: both towers; the embedding has the width of the image tower."""

    vision: VisionConfig
    text: TextConfig

    @property
    def embed_dim(self) -> int:
        """Width of the embedding."""
        return self.vision.transformer.width


@contextlib.contextmanager
def in_file(path: Path) -> Iterator[None]:
    """A context that adds the file's name to errors about its content.

    Raises:
        InputError: the file lacks a value, or has a wrong one.
    """
    try:
        yield
    except InputError as error:
        raise InputError(str(error) if str(path) in str(error) else f"{path}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise InputError(f"{path}: lacks or misspells {error}") from error
