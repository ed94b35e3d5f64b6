"""Classifiers trained on ImageNet's labels: torchvision's and timm's, by their names."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from pretrained.preprocessing import Preprocessing, read_photo
from realdata.models.model import Model, Question
from realdata.models.torch_common import (
    FloatType,
    as_preprocessing,
    as_tensor,
    check_finite,
    device,
    float_type,
    need,
    told,
)
from workbench.errors import InputError

EXTRA = "classifiers"
# ImageNet-1K: the classes of another set would be answers to another question, under the same indices.
CLASSES = 1000
# The recipe of the papers that the architectures come from, and what "torchvision's ImageNet models" meant for years;
# `DEFAULT` is whatever the installed torchvision thinks best, so that the same command gives other numbers later.
WEIGHTS = "IMAGENET1K_V1"
_MODES = {"center": "shortest"}  # timm's words, where they are not OpenCLIP's


class Classifier:
    """A classifier that scores by its logits; see `Model`.

    Attributes:
        description: what it is.
        module: PyTorch's.
        indices: of the candidates among its classes.
        preprocessing: of its images.
        dtype: what it computes in.
    """

    texts = False
    batch_size = 64

    def __init__(
        self,
        description: Mapping[str, Any],
        module: Any,
        indices: list[int],
        preprocessing: Preprocessing,
        dtype: FloatType,
    ):
        self.description: Mapping[str, Any] = {
            **description,
            "preprocessing": dataclasses.asdict(preprocessing),
            "dtype": dtype,
        }
        self.read: Callable[[Path], np.ndarray] = functools.partial(read_photo, preprocessing=preprocessing)
        check_finite(f"{description['kind']}:{description['name']}", module)
        self.module = module.eval().to(device(), float_type(dtype))
        self.indices, self.preprocessing, self.dtype = indices, preprocessing, dtype

    def score(
        self, images: Sequence[np.ndarray], among: Bool[np.ndarray, "size candidates"]
    ) -> Float[np.ndarray, "size candidates"]:
        """The logits of all candidates, whether among the photo's or not."""
        import torch

        with torch.inference_mode():
            logits = self.module(as_tensor(images, self.preprocessing, self.dtype))
            return logits[:, self.indices].float().cpu().numpy()


def load_torchvision(name: str, question: Question, dtype: FloatType = "float32") -> Model:
    """Load a classifier of torchvision's.

    Args:
        name: `NAME` or `NAME/WEIGHTS`, as torchvision spells them; `IMAGENET1K_V1` unless said otherwise.
        question: what it chooses among.
        dtype: what it computes in.

    Raises:
        InputError: torchvision is missing, or has no such classifier.
    """
    shown = f"torchvision:{name}"
    torchvision = need(shown, "torchvision", "torchvision", EXTRA)
    models = torchvision.models
    architecture, _, wanted = name.partition("/")
    with told(shown):
        known = models.get_model_weights(architecture)
        if (wanted or WEIGHTS) not in known.__members__:
            allowed = ", ".join(f"{architecture}/{each}" for each in known.__members__)
            raise InputError(f"{shown}: there are no weights {wanted or WEIGHTS}, only {allowed or 'none at all'}")
        weights = known[wanted or WEIGHTS]
        _check(shown, len(weights.meta.get("categories") or ()), question)
        # torchvision's builders would unpickle code. What is fetched and read here holds nothing but weights, or else
        # this raises; the builder then finds the same file in the cache.
        weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
        module = models.get_model(architecture, weights=weights)
        preset = weights.transforms()
        (resize,), (crop,) = preset.resize_size, preset.crop_size
        interpolation = preset.interpolation.value
    images = as_preprocessing(shown, "torchvision", "shortest", resize, crop, interpolation, preset.mean, preset.std)
    said = f"{architecture}/{weights.name}"
    description = {"kind": "torchvision", "name": said, "torchvision": torchvision.__version__}
    return Classifier(description, module, question.indices, images, dtype)


def load_timm(name: str, question: Question, dtype: FloatType = "float32") -> Model:
    """Load a classifier of timm's, which reads weights only: pickled code is an error there, never run.

    Args:
        name: as timm spells it, with its tag: the default tag of a bare name differs among timm's versions.
        question: what it chooses among.
        dtype: what it computes in.

    Raises:
        InputError: timm is missing, or has no such classifier, or one whose images cannot be made here.
    """
    shown = f"timm:{name}"
    timm = need(shown, "timm", "timm", EXTRA)
    with told(shown):
        module = timm.create_model(name, pretrained=True)
        config = timm.data.resolve_model_data_config(module)
        _check(shown, module.num_classes, question)
        _, *sides = config["input_size"]
        resize = math.floor(min(sides) / config["crop_pct"])
        if resize < max(sides):
            raise InputError(f"{shown}: its images must be cut from larger ones, crop_pct is {config['crop_pct']}")
        fit = _MODES.get(config["crop_mode"], config["crop_mode"])
    images = as_preprocessing(
        shown, "torchvision", fit, resize, sides, config["interpolation"], config["mean"], config["std"]
    )
    description = {"kind": "timm", "name": name, "timm": timm.__version__}
    return Classifier(description, module, question.indices, images, dtype)


def _check(shown: str, classes: int, question: Question) -> None:
    if classes != CLASSES:
        raise InputError(f"{shown}: must have ImageNet's {CLASSES} classes, has {classes}")
    if outside := [index for index in question.indices if not 0 <= index < classes]:
        raise InputError(f"{shown}: `names`: the indices must be from 0 to {classes - 1}, got {outside[0]}")
