"""What a user may ask for instead of what a checkpoint's files say."""

import dataclasses
import math
from typing import TypeVar

from pretrained.config import ACTIVATIONS, POOLINGS, CLIPConfig, SigLIPConfig, TextConfig, VisionConfig
from pretrained.preprocessing import INTERPOLATIONS, Preprocessing
from workbench.errors import ParameterError

_Config = TypeVar("_Config", bound=CLIPConfig | SigLIPConfig)
_Tower = TypeVar("_Tower", VisionConfig, TextConfig)


@dataclasses.dataclass(frozen=True)
class Overrides:
    """What a user asks for instead of what a checkpoint's files say; None leaves it as they do.

    Attributes:
        activation: of both towers, a name of `pretrained.config.ACTIVATIONS`.
        norm_epsilon: of both towers' layer norms.
        text_pooling: a name of `pretrained.config.POOLINGS`.
        image_size: side of a picture, in pixels; positions and the size before the crop are scaled with it.
        interpolation: a name of `pretrained.preprocessing.INTERPOLATIONS`.
        mean: taken from each channel, of values from 0 to 1.
        deviation: by which each channel is then divided.

    Raises:
        InputError: a value that is not allowed; it names the option of the same name.
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
        """What is asked for."""
        return tuple(field.name for field in dataclasses.fields(self) if getattr(self, field.name) is not None)

    def config(self, own: _Config) -> _Config:
        """The configuration with what is asked for.

        Raises:
            InputError: pictures smaller than a patch.
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
        """The preprocessing with what is asked for."""
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
