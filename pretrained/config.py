"""The sizes of a CLIP or SigLIP and of its towers, and settings that replace those of a checkpoint's files."""

import contextlib
import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pretrained.preprocessing import INTERPOLATIONS, Preprocessing
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
        epsilon = self.norm_epsilon
        if isinstance(epsilon, bool) or not isinstance(epsilon, int | float) or not 0 < epsilon < math.inf:
            raise InputError(f"what layer norms add must be a positive number, got {epsilon!r}")


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

    vision: VisionConfig
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


_Config = TypeVar("_Config", bound=CLIPConfig | SigLIPConfig)
_Tower = TypeVar("_Tower", VisionConfig, TextConfig)


@dataclasses.dataclass(frozen=True)
class Overrides:
    """Settings that replace those of a checkpoint's files; None keeps the file's.

    Attributes:
        activation: for both towers, a name in `pretrained.config.ACTIVATIONS`.
        norm_epsilon: for both towers' layer norms.
        text_pooling: a name in `pretrained.config.POOLINGS`.
        image_size: side of an image, in pixels; positions and the size before the crop are scaled with it.
        interpolation: a name in `pretrained.preprocessing.INTERPOLATIONS`.
        mean: subtracted from each channel, whose values are from 0 to 1.
        deviation: the divisor of each channel after that.

    Raises:
        InputError: a value that is not allowed; the message names the parameter.
    """

    activation: str | None = None
    norm_epsilon: float | None = None
    text_pooling: str | None = None
    image_size: int | None = None
    interpolation: str | None = None
    mean: tuple[float, ...] | None = None
    deviation: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        for name, among in (
            ("activation", ACTIVATIONS),
            ("text_pooling", POOLINGS),
            ("interpolation", tuple(INTERPOLATIONS)),
        ):
            if getattr(self, name) not in (None, *among):
                raise ParameterError(name, f"among {', '.join(among)}", getattr(self, name))
        if self.norm_epsilon is not None and not 0 < self.norm_epsilon < math.inf:
            raise ParameterError("norm_epsilon", "a positive number", self.norm_epsilon)
        if self.image_size is not None and self.image_size < 1:
            raise ParameterError("image_size", "at least 1", self.image_size)
        if self.mean is not None and not (len(self.mean) == 3 and all(map(math.isfinite, self.mean))):
            raise ParameterError("mean", "three numbers", self.mean)
        if self.deviation is not None and not (
            len(self.deviation) == 3 and all(0 < part < math.inf for part in self.deviation)
        ):
            raise ParameterError("deviation", "three positive numbers", self.deviation)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the settings that are given."""
        return tuple(field.name for field in dataclasses.fields(self) if getattr(self, field.name) is not None)

    def config(self, own: _Config) -> _Config:
        """A configuration with these settings.

        Raises:
            InputError: the images are smaller than a patch.
        """
        size = self.image_size or own.vision.image_size
        if size < own.vision.patch_size:
            raise ParameterError("image_size", f"at least a patch's side, {own.vision.patch_size}", size)
        vision = dataclasses.replace(self._tower(own.vision), image_size=size)
        text = dataclasses.replace(self._tower(own.text), pooling=self.text_pooling or own.text.pooling)
        return dataclasses.replace(own, vision=vision, text=text)

    def _tower(self, own: _Tower) -> _Tower:
        transformer = dataclasses.replace(
            own.transformer,
            activation=self.activation or own.transformer.activation,
            norm_epsilon=self.norm_epsilon or own.transformer.norm_epsilon,
        )
        return dataclasses.replace(own, transformer=transformer)

    def preprocessing(self, own: Preprocessing) -> Preprocessing:
        """A preprocessing with these settings."""
        crop = self.image_size or own.crop
        return dataclasses.replace(
            own,
            resize=round(own.resize * crop / own.crop),
            crop=crop,
            interpolation=self.interpolation or own.interpolation,
            mean=_channels(self.mean or own.mean),
            deviation=_channels(self.deviation or own.deviation),
        )


def _channels(values: tuple[float, ...]) -> tuple[float, float, float]:
    red, green, blue = values
    return red, green, blue


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
