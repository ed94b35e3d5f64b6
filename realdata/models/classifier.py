"""Classifiers trained on ImageNet's labels, run by torchvision and timm; for those of the paper see `imagenet.py`."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from pretrained.preprocessing import Preprocessing, read_photo
from realdata.models.loading import FloatType
from realdata.models.model import Model, Question
from realdata.models.torch_common import (
    as_preprocessing,
    as_tensor,
    check_finite,
    device,
    float_type,
    import_extra,
    one_line_errors,
)
from workbench.errors import InputError

EXTRA = "classifiers"
# ImageNet-1K: another set's classes would mean something else under the same indices.
CLASSES = 1000
# The training recipe of the papers that the architectures come from, long torchvision's only one. `DEFAULT` changes
# with torchvision's version, so the same command would later give other numbers.
WEIGHTS = "IMAGENET1K_V1"
_MODES = {"center": "shortest"}  # timm's word to OpenCLIP's


class Classifier:
    """A classifier, which scores candidates by its logits; see `Model`.

    Attributes:
        description: see `Model`.
        module: the PyTorch module.
        indices: the candidates' indices among its classes.
        preprocessing: how photos become its images.
        dtype: its floating-point type.
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
        """The logits of all candidates."""
        import torch

        with torch.inference_mode():
            logits = self.module(as_tensor(images, self.preprocessing, self.dtype))
            return logits[:, self.indices].float().cpu().numpy()


def load_torchvision(name: str, question: Question, dtype: FloatType = "float32") -> Model:
    """Load a classifier from torchvision.

    Args:
        name: `NAME` or `NAME/WEIGHTS`, as torchvision spells them; the default weights are `IMAGENET1K_V1`.
        question: the candidates.
        dtype: its floating-point type.

    Raises:
        InputError: torchvision is missing, or has no such classifier.
    """
    shown = f"torchvision:{name}"
    torchvision = import_extra(shown, "torchvision", "torchvision", EXTRA)
    models = torchvision.models
    architecture, _, wanted = name.partition("/")
    with one_line_errors(shown):
        known = models.get_model_weights(architecture)
        if (wanted or WEIGHTS) not in known.__members__:
            allowed = ", ".join(f"{architecture}/{each}" for each in known.__members__)
            raise InputError(f"{shown}: there are no weights {wanted or WEIGHTS}, only {allowed or 'none at all'}")
        weights = known[wanted or WEIGHTS]
        check_classes(shown, len(weights.meta.get("categories") or ()), question)
        # torchvision's own builders would unpickle code. This line reads weights only, and raises if the file holds
        # anything else; the builder then finds the same file in the cache.
        weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
        module = models.get_model(architecture, weights=weights)
        preset = weights.transforms()
        (resize,), (crop,) = preset.resize_size, preset.crop_size
        interpolation = preset.interpolation.value
    images = as_preprocessing(shown, "torchvision", "shortest", resize, crop, interpolation, preset.mean, preset.std)
    description = {
        "kind": "torchvision",
        "name": f"{architecture}/{weights.name}",
        "torchvision": torchvision.__version__,
    }
    return Classifier(description, module, question.indices, images, dtype)


def load_timm(name: str, question: Question, dtype: FloatType = "float32") -> Model:
    """Load a classifier from timm, which reads weights only and never runs pickled code.

    Args:
        name: as timm spells it, with its tag; without a tag, timm's versions choose different weights.
        question: the candidates.
        dtype: its floating-point type.

    Raises:
        InputError: timm is missing, or has no such classifier, or its preprocessing is not supported here.
    """
    shown = f"timm:{name}"
    timm = import_extra(shown, "timm", "timm", EXTRA)
    with one_line_errors(shown):
        module = timm.create_model(name, pretrained=True)
        config = timm.data.resolve_model_data_config(module)
        check_classes(shown, module.num_classes, question)
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


def check_classes(shown: str, classes: int, question: Question) -> None:
    """Check that a classifier's classes are ImageNet's, as far as their number says it, and have the candidates.

    Args:
        shown: the classifier, as `--model` takes it.
        classes: how many classes it has.
        question: the candidates.

    Raises:
        InputError: there are more or fewer, or a candidate is none of them.
    """
    if classes != CLASSES:
        raise InputError(f"{shown}: must have ImageNet's {CLASSES} classes, has {classes}")
    if outside := [index for index in question.indices if not 0 <= index < classes]:
        raise InputError(f"{shown}: `names`: the indices must be from 0 to {classes - 1}, got {outside[0]}")
