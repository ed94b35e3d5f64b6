"""Every CLIP with a vision transformer in the published list has a place here for each of its weights."""

import csv
import json
import math

import jax
import pytest
from flax import nnx

from pretrained import openclip
from pretrained.clip import CLIP
from tests.conftest import ROOT


def sizes(embed_dim, image_size, patch_size, vision, text, quick_gelu=False, **more):
    """A configuration as OpenCLIP 3.3.0's model_configs have it; (layers, width) and (layers, width, heads)."""
    return {
        "embed_dim": embed_dim,
        **({"quick_gelu": True} if quick_gelu else {}),
        "vision_cfg": {"image_size": image_size, "patch_size": patch_size, "layers": vision[0], "width": vision[1]}
        | more,
        "text_cfg": {"context_length": 77, "vocab_size": 49408}
        | dict(zip(("layers", "width", "heads"), text, strict=True)),
    }


BASE, LARGE, HUGE = (12, 512, 8), (12, 768, 12), (24, 1024, 16)
# With the number of parameters that OpenCLIP 3.3.0's own `CLIP` has for it, built on torch's meta device.
PUBLISHED = {
    "ViT-B-32": (sizes(512, 224, 32, (12, 768), BASE), 151_277_313),
    "ViT-B-16": (sizes(512, 224, 16, (12, 768), BASE), 149_620_737),
    "ViT-B-32-256": (sizes(512, 256, 32, (12, 768), BASE), 151_288_833),
    "ViT-L-14": (sizes(768, 224, 14, (24, 1024), LARGE), 427_616_513),
    "ViT-L-14-336": (sizes(768, 336, 14, (24, 1024), LARGE), 427_944_193),
    "ViT-H-14": (sizes(1024, 224, 14, (32, 1280), HUGE, head_width=80), 986_109_441),
    "ViT-H-14-378": (sizes(1024, 378, 14, (32, 1280), HUGE, True, head_width=80), 986_714_881),
    "ViT-g-14": (sizes(1024, 224, 14, (40, 1408), HUGE, head_width=88, mlp_ratio=4.3637), 1_366_678_273),
    "ViT-bigG-14": (
        sizes(1280, 224, 14, (48, 1664), (32, 1280, 20), head_width=104, mlp_ratio=4.9231),
        2_539_567_105,
    ),
}


def test_every_published_vision_transformer_is_listed_here():
    with (ROOT / "published" / "hub_ids.csv").open(newline="") as file:
        names = {row["open_clip_model"] for row in csv.DictReader(file)}
    assert {name for name in names if name.startswith("ViT")} == PUBLISHED.keys()


@pytest.mark.parametrize("name", PUBLISHED)
def test_its_configuration_makes_a_model_of_its_size(tmp_path, name):
    content, parameters = PUBLISHED[name]
    (tmp_path / openclip.CONFIG).write_text(json.dumps({"model_cfg": content}))
    layout = openclip.read(tmp_path)
    shapes = nnx.eval_shape(lambda: CLIP(layout.config, rngs=nnx.Rngs(0)))
    graph, weights = nnx.split(shapes)
    state = dict(nnx.to_flat_state(weights))
    assert sum(math.prod(part.shape) for part in state.values()) == parameters
    assert {entry.path for entry in layout.entries(())} == state.keys()
    side = content["vision_cfg"]["image_size"]
    inputs = jax.ShapeDtypeStruct((2, side, side, 3), "float32"), jax.ShapeDtypeStruct((2, 77), "int32")
    for name, given in zip(("embed_images", "embed_texts"), inputs, strict=True):
        found = jax.eval_shape(lambda weights, given: getattr(nnx.merge(graph, weights), name)(given), weights, given)  # noqa: B023
        assert found.shape == (2, content["embed_dim"])
    activation = "quick_gelu" if content.get("quick_gelu") else "gelu"
    assert layout.config.vision.transformer.activation == layout.config.text.transformer.activation == activation
