"""Settings that replace those of a checkpoint's files."""

import dataclasses
import math
from typing import Any, TypeVar

from pretrained.config import ACTIVATIONS, POOLINGS, CLIPConfig, SigLIPConfig
from pretrained.preprocessing import INTERPOLATIONS, Preprocessing
from workbench.errors import ParameterError

_Config = TypeVar("_Config", bound=CLIPConfig | SigLIPConfig)


@dataclasses.dataclass(frozen=True)
class Overrides:
    """Settings that replace those of a checkpoint's files; None keeps the file's.

    Attributes:
        activation: for every transformer, a name in `pretrained.config.ACTIVATIONS`; ResNets and ConvNeXts keep theirs.
        norm_epsilon: for all layer norms of both towers.
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
            InputError: the image tower cannot take images of that size.
        """
        vision: Any = own.vision.changed(self.image_size, self.activation, self.norm_epsilon)
        text = dataclasses.replace(
            own.text,
            transformer=own.text.transformer.changed(self.activation, self.norm_epsilon),
            pooling=self.text_pooling or own.text.pooling,
        )
        return dataclasses.replace(own, vision=vision, text=text)

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
