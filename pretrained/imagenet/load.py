"""A classifier from torchvision's file, or from a safetensors file with the same keys; and the sizes of each model."""

import functools
from pathlib import Path
from typing import Any

import jax
from flax import nnx

from pretrained.imagenet.convnext import ConvNeXtClassifierConfig
from pretrained.imagenet.plain import ALEXNET, PlainConfig, vgg
from pretrained.imagenet.resnet import ResNetConfig
from pretrained.imagenet.vision_transformer import ViTConfig, vit
from pretrained.layers import Shapes
from pretrained.weights import open_tensors, read_arrays

_COUNTERS = ("num_batches_tracked",)  # of a batch norm's training


Config = ResNetConfig | PlainConfig | ViTConfig | ConvNeXtClassifierConfig

# By torchvision's names.
ARCHITECTURES: dict[str, Config] = {
    "alexnet": ALEXNET,
    "vgg11": vgg(1, 1, 2, 2, 2),
    "vgg13": vgg(2, 2, 2, 2, 2),
    "vgg19": vgg(2, 2, 4, 4, 4),
    "resnet18": ResNetConfig((2, 2, 2, 2), bottleneck=False),
    "resnet34": ResNetConfig((3, 4, 6, 3), bottleneck=False),
    "resnet50": ResNetConfig((3, 4, 6, 3), bottleneck=True),
    "resnet101": ResNetConfig((3, 4, 23, 3), bottleneck=True),
    "vit_b_16": vit(768, 12, 12, 16),
    "vit_b_32": vit(768, 12, 12, 32),
    "vit_l_16": vit(1024, 24, 16, 16),
    "vit_l_32": vit(1024, 24, 16, 32),
    "convnext_small": ConvNeXtClassifierConfig((3, 3, 27, 3), 96),
    "convnext_base": ConvNeXtClassifierConfig((3, 3, 27, 3), 128),
    "convnext_large": ConvNeXtClassifierConfig((3, 3, 27, 3), 192),
}


def load(path: Path, config: Config, dtype: str = "float32") -> Any:
    """Read a classifier, which takes preprocessed images (size, side, side, 3) and gives logits (size, classes).

    Args:
        path: a safetensors file, or one of PyTorch, which is read without running code from it.
        config: the sizes.
        dtype: the type of weights and computation.

    Raises:
        InputError: the file cannot be read, or its weights are not those of the sizes.
        RunError: a weight is not finite; the message names the first one.
    """
    graph, variables = shapes(config)
    tensors = open_tensors(path)
    entries = config.entries(tensors.shapes)
    found = [
        (place, variable.replace(jax.device_put(array)))
        for place, variable, array in read_arrays(tensors, dict(variables), entries, _COUNTERS, dtype)
    ]
    return nnx.merge(graph, nnx.from_flat_state(found))


@functools.lru_cache(maxsize=8)
def shapes(config: Config) -> tuple[Any, tuple[Any, ...]]:
    """The graph of a model, and its variables by path, without values."""
    graph, state = nnx.split(config.build(Shapes()))
    return graph, tuple(nnx.to_flat_state(state))
