"""CLIP in OpenCLIP's format: open_clip_config.json, open_clip_model.safetensors, tokenizer.json."""

from pathlib import Path
from typing import Any

from pretrained.checkpoint import Checkpoint
from pretrained.config import CLIPConfig, TextConfig, TransformerConfig, VisionConfig
from pretrained.openclip_keys import entries
from pretrained.preprocessing import Preprocessing
from pretrained.tokenizer import read_tokenizer
from pretrained.weights import read_json, read_model
from workbench.errors import InputError

CONFIG = "open_clip_config.json"
_WEIGHTS = ("open_clip_model.safetensors", "model.safetensors")
_BUFFERS = ("attn_mask",)  # no weights
# What a configuration may say; anything else may change the model in a way that is not known here.
_MODEL = {"embed_dim", "vision_cfg", "text_cfg", "quick_gelu"}
_VISION = {"image_size", "layers", "width", "head_width", "mlp_ratio", "patch_size"}
_TEXT = {"context_length", "vocab_size", "width", "heads", "layers", "mlp_ratio"}
# OpenAI's mean and deviation, which OpenCLIP takes where a configuration has none.
_MEAN, _DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


def load(folder: Path) -> Checkpoint:
    """Read a checkpoint; nothing in it is run.

    Raises:
        InputError: a file is missing, is no CLIP's with a vision transformer, or holds other weights than its
            configuration says.
    """
    path = folder / CONFIG
    content = read_json(path)
    try:
        config = _config(path, content["model_cfg"])
        preprocessing = _preprocessing(path, content.get("preprocess_cfg", {}), config.vision.image_size)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: lacks or misspells {error}") from error
    weights = next((folder / name for name in _WEIGHTS if (folder / name).exists()), folder / _WEIGHTS[0])
    model = read_model(weights, config, entries(config), _BUFFERS)
    # OpenCLIP's tokenizer ends with the highest token and fills up with 0.
    tokenizer = read_tokenizer(folder, config.text.context, 0, config.text.vocabulary - 1)
    return Checkpoint(model, config, preprocessing, tokenizer)


def _config(path: Path, content: dict[str, Any]) -> CLIPConfig:
    vision, text = content["vision_cfg"], content["text_cfg"]
    for known, part in ((_MODEL, content), (_VISION, vision), (_TEXT, text)):
        if unknown := sorted(part.keys() - known):
            raise InputError(f"{path}: asks for {unknown[0]!r}, which is not known here: no plain CLIP with ViT towers")
    if not isinstance(vision["layers"], int):
        raise InputError(f"{path}: its image tower is no vision transformer (layers {vision['layers']})")
    activation = "quick_gelu" if content.get("quick_gelu") else "gelu"

    def tower(part: dict[str, Any], heads: int) -> TransformerConfig:
        hidden = int(part["width"] * part.get("mlp_ratio", 4.0))
        return TransformerConfig(part["width"], part["layers"], heads, hidden, activation)

    heads = vision["width"] // vision.get("head_width", 64)
    return CLIPConfig(
        VisionConfig(tower(vision, heads), vision.get("image_size", 224), vision["patch_size"]),
        TextConfig(
            tower(text, text["heads"]), text.get("vocab_size", 49408), text.get("context_length", 77), end_token=None
        ),
        content["embed_dim"],
    )


def _preprocessing(path: Path, content: dict[str, Any], side: int) -> Preprocessing:
    if content.get("resize_mode", "shortest") != "shortest":
        raise InputError(f"{path}: the resize mode {content['resize_mode']!r} is not known here, only 'shortest'")
    return Preprocessing(
        side,
        side,
        content.get("interpolation", "bicubic"),
        tuple(content.get("mean", _MEAN)),
        tuple(content.get("std", _DEVIATION)),
        "torchvision",
    )
