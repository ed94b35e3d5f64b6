"""A model made of shapes is the model made of drawn weights, but for their values."""

import jax
import pytest
from flax import nnx

from pretrained.clip import CLIP
from pretrained.config import (
    CLIPConfig,
    ConvNeXtConfig,
    ResNetConfig,
    SigLIPConfig,
    TextConfig,
    TransformerConfig,
    VisionConfig,
)
from pretrained.layers import Shapes
from pretrained.siglip import SigLIP

TOWER = TransformerConfig(8, 2, 2, 24)
TEXT = TextConfig(TOWER, 11, 5, "argmax", 10)


def vision_transformer(rngs):
    return CLIP(CLIPConfig(VisionConfig(TOWER, 12, 4), TEXT, 6), rngs=rngs)


def resnet(rngs):
    return CLIP(CLIPConfig(ResNetConfig((1, 2, 1, 1), 4, 2, 32), TEXT, 6), rngs=rngs)


def convnext(rngs):
    return CLIP(CLIPConfig(ConvNeXtConfig((1, 2, 1, 1), (2, 4, 8, 16), 64, 1e-6, "mlp", False), TEXT, 6), rngs=rngs)


def siglip(rngs):
    return SigLIP(SigLIPConfig(VisionConfig(TOWER, 12, 4), TEXT), rngs=rngs)


def described(variables):
    return [(path, each.type, each.shape, each.dtype) for path, each in nnx.to_flat_state(variables)]


@pytest.mark.parametrize("make", [vision_transformer, resnet, convnext, siglip])
def test_graph_and_shapes_are_those_of_drawn_weights(make):
    graph, drawn = nnx.split(nnx.eval_shape(lambda: make(nnx.Rngs(0))))
    own_graph, shapes = nnx.split(make(Shapes()))
    assert own_graph == graph and described(shapes) == described(drawn)
    assert all(isinstance(each, jax.ShapeDtypeStruct) for each in jax.tree.leaves(shapes))
