"""Every CLIP in the published list has a place here for each of its weights."""

import csv
import json
import math

import jax
import pytest
from flax import nnx

from pretrained import openclip
from pretrained.clip import CLIP
from pretrained.layers import Shapes
from tests.conftest import ROOT


def sizes(embed_dim, text, quick_gelu=False, **vision):
    """A configuration as OpenCLIP 3.3.0's model_configs have it; the text tower by (layers, width, heads)."""
    return {
        "embed_dim": embed_dim,
        **({"quick_gelu": True} if quick_gelu else {}),
        "vision_cfg": vision,
        "text_cfg": {"context_length": 77, "vocab_size": 49408}
        | dict(zip(("layers", "width", "heads"), text, strict=True)),
    }


def vit(embed_dim, image_size, patch_size, vision, text, quick_gelu=False, **more):
    """A vision transformer by (layers, width)."""
    layers, width = vision
    own = {"image_size": image_size, "patch_size": patch_size, "layers": layers, "width": width}
    return sizes(embed_dim, text, quick_gelu, **own, **more)


def resnet(embed_dim, image_size, layers, width, text):
    """A ResNet, whose texts have OpenAI's activation."""
    return sizes(embed_dim, text, True, image_size=image_size, layers=layers, width=width, patch_size=None)


def convnext(embed_dim, image_size, text):
    """timm's ConvNeXt-Base."""
    own = {"timm_model_name": "convnext_base", "timm_model_pretrained": False, "timm_pool": "", "timm_proj": "linear"}
    return sizes(embed_dim, text, **own, timm_drop=0.0, timm_drop_path=0.1, image_size=image_size)


BASE, WIDE, LARGE, HUGE = (12, 512, 8), (12, 640, 10), (12, 768, 12), (24, 1024, 16)
# With the number of parameters that OpenCLIP 3.3.0's own `CLIP` has for it, built on torch's meta device.
PUBLISHED = {
    "ViT-B-32": (vit(512, 224, 32, (12, 768), BASE), 151_277_313),
    "ViT-B-16": (vit(512, 224, 16, (12, 768), BASE), 149_620_737),
    "ViT-B-32-256": (vit(512, 256, 32, (12, 768), BASE), 151_288_833),
    "ViT-L-14": (vit(768, 224, 14, (24, 1024), LARGE), 427_616_513),
    "ViT-L-14-336": (vit(768, 336, 14, (24, 1024), LARGE), 427_944_193),
    "ViT-H-14": (vit(1024, 224, 14, (32, 1280), HUGE, head_width=80), 986_109_441),
    "ViT-H-14-378": (vit(1024, 378, 14, (32, 1280), HUGE, True, head_width=80), 986_714_881),
    "ViT-g-14": (vit(1024, 224, 14, (40, 1408), HUGE, head_width=88, mlp_ratio=4.3637), 1_366_678_273),
    "ViT-bigG-14": (
        vit(1280, 224, 14, (48, 1664), (32, 1280, 20), head_width=104, mlp_ratio=4.9231),
        2_539_567_105,
    ),
    "RN50": (resnet(1024, 224, [3, 4, 6, 3], 64, BASE), 102_007_137),
    "RN101": (resnet(512, 224, [3, 4, 23, 3], 64, BASE), 119_688_033),
    "RN50x4": (resnet(640, 288, [4, 6, 10, 6], 80, WIDE), 178_300_601),
    "RN50x16": (resnet(768, 384, [6, 8, 18, 8], 96, LARGE), 290_979_217),
    "RN50x64": (resnet(1024, 448, [3, 15, 36, 10], 128, (12, 1024, 16)), 623_258_305),
    "convnext_base": (convnext(512, 224, BASE), 151_518_849),
    "convnext_base_w": (convnext(640, 256, WIDE), 179_385_345),
}


def test_every_published_clip_is_listed_here():
    with (ROOT / "published" / "hub_ids.csv").open(newline="") as file:
        assert {row["open_clip_model"] for row in csv.DictReader(file)} == PUBLISHED.keys()


@pytest.mark.parametrize("name", PUBLISHED)
def test_its_configuration_makes_a_model_of_its_size(tmp_path, name):
    content, parameters = PUBLISHED[name]
    (tmp_path / openclip.CONFIG).write_text(json.dumps({"model_cfg": content}))
    layout = openclip.read(tmp_path)
    graph, weights = nnx.split(CLIP(layout.config, rngs=Shapes()))
    state = dict(nnx.to_flat_state(weights))
    assert sum(math.prod(part.shape) for part in state.values() if part.type is nnx.Param) == parameters
    assert {entry.path for entry in layout.entries(())} == state.keys()
    side = content["vision_cfg"]["image_size"]
    inputs = jax.ShapeDtypeStruct((2, side, side, 3), "float32"), jax.ShapeDtypeStruct((2, 77), "int32")

    def embed(weights, images, texts):
        model = nnx.merge(graph, weights)
        return model.embed_images(images), model.embed_texts(texts)

    assert [each.shape for each in jax.eval_shape(embed, weights, *inputs)] == [(2, content["embed_dim"])] * 2
    activation = "quick_gelu" if content.get("quick_gelu") else "gelu"
    assert layout.config.text.transformer.activation == activation
    found = layout.config.vision.description()
    kind = {"R": "ResNet", "c": "ConvNeXt"}.get(name[0], "ViT")
    assert found["kind"] == kind and found.get("activation") == (activation if kind == "ViT" else None)
    assert found.get("norm_epsilon") == {"ViT": 1e-5, "ResNet": None, "ConvNeXt": 1e-6}[kind]
