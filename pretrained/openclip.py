"""CLIP in OpenCLIP's format, which open_clip_config.json describes."""

from pathlib import Path
from typing import Any

from pretrained.config import (
    CLIPConfig,
    ConvNeXtConfig,
    ImageTowerConfig,
    ResNetConfig,
    TextConfig,
    TransformerConfig,
    VisionConfig,
    in_file,
)
from pretrained.keys import Layout
from pretrained.openclip_keys import openclip_entries
from pretrained.preprocessing import FITS, OPENAI_DEVIATION, OPENAI_MEAN, Preprocessing
from workbench.errors import InputError
from workbench.results import read_json

CONFIG = "open_clip_config.json"
_BUFFERS = ("attn_mask", ".num_batches_tracked")  # not weights
_INSTEAD = "--model open_clip:NAME runs it with OpenCLIP itself"
_MODEL_READ = {"embed_dim", "vision_cfg", "text_cfg", "quick_gelu", "custom_text", "init_logit_scale"}
# OpenCLIP's defaults; no other values are supported here. For both towers, ...
_BOTH = {
    "ls_init_value": None,
    "final_ln_after_pool": False,
    "output_tokens": False,
    "block_type": None,
    "qk_norm": False,
    "scaled_cosine_attn": False,
    "scale_heads": False,
    "scale_attn_inner": False,
    "scale_attn": False,
    "scale_fc": False,
}
_VISION = _BOTH | {  # ... and for either one
    "attentional_pool": False,
    "no_ln_pre": False,
    "pos_embed_type": "learnable",
    "pool_type": "tok",
    "timm_model_name": None,
    "act_kwargs": None,
    "norm_kwargs": None,
}
_TEXT = _BOTH | {
    "embed_cls": False,
    "proj_bias": False,
    "proj_type": "linear",
    "hf_model_name": None,
    "hf_tokenizer_name": None,
    "tokenizer_mode": None,
    "tokenizer_kwargs": None,
}
_BOTH_READ = {"layers", "width", "mlp_ratio", "act_kwargs", "norm_kwargs"}
_VIT_READ = _BOTH_READ | {"image_size", "head_width", "patch_size"}
_RESNET_READ = {"image_size", "layers", "width", "head_width"}
_CONVNEXT_READ = {"image_size", "timm_model_name", "timm_pool", "timm_proj", "timm_proj_bias"}
_TEXT_READ = _BOTH_READ | {"context_length", "vocab_size", "heads", "pool_type", "eos_id", "no_causal_mask"}
# timm's ConvNeXts: blocks of each stage, channels of the first stage, of which each further one has twice as many, and
# what layer norms add.
_CONVNEXTS = {
    "convnext_tiny": ((3, 3, 9, 3), 96, 1e-6),
    "convnext_small": ((3, 3, 27, 3), 96, 1e-6),
    "convnext_base": ((3, 3, 27, 3), 128, 1e-6),
    "convnext_large": ((3, 3, 27, 3), 192, 1e-6),
    "convnext_xlarge": ((3, 3, 27, 3), 256, 1e-6),
    "convnext_xxlarge": ((3, 4, 30, 3), 384, 1e-5),
}
# These matter only for training, or for a part that the settings above exclude.
_IDLE = {"patch_dropout", "attn_pooler_queries", "attn_pooler_heads", "pad_id", "hf_model_pretrained", "hf_proj_type"}
_IDLE |= {"hf_pooler_type", "timm_model_pretrained", "timm_pool", "timm_proj", "timm_proj_bias", "timm_drop"}
_IDLE |= {"timm_drop_path"}
_RESNET_IDLE = _IDLE | {"patch_size", "mlp_ratio"}
_CONVNEXT_IDLE = _RESNET_IDLE | {"layers", "width", "head_width"}


def read(folder: Path) -> Layout:
    """Read the configuration of a checkpoint.

    Raises:
        InputError: the file is missing, or does not describe a CLIP with a vision transformer, a ResNet or a ConvNeXt.
    """
    path = folder / CONFIG
    content = read_json(path)
    with in_file(path):
        config = _config(content["model_cfg"])
        preprocessing = _preprocessing(content.get("preprocess_cfg") or {}, config.vision.image_size)
    # OpenCLIP's tokenizer pads with 0.
    return Layout(
        "openclip",
        config,
        preprocessing,
        lambda keys: openclip_entries(config, keys),
        _BUFFERS,
        0,
        config.text.end_token,
    )


def _config(content: dict[str, Any]) -> CLIPConfig:
    vision, text = content["vision_cfg"], content["text_cfg"]
    _check("", content, {}, _MODEL_READ)
    _check("text_cfg: ", text, _TEXT, _TEXT_READ | _IDLE)
    quick = bool(content.get("quick_gelu"))
    vocabulary, pooling = text.get("vocab_size", 49408), text.get("pool_type", "argmax")
    return CLIPConfig(
        _image_tower(vision, quick),
        TextConfig(
            _transformer(text, text.get("width", 512), text.get("heads", 8), quick),
            vocabulary,
            text.get("context_length", 77),
            pooling,
            text.get("eos_id", 2) if pooling == "eos" else vocabulary - 1,
            causal=not text.get("no_causal_mask", False),
        ),
        content["embed_dim"],
    )


def _image_tower(content: dict[str, Any], quick: bool) -> ImageTowerConfig:
    side, width = _side(content.get("image_size", 224)), content.get("width", 768)
    if (name := content.get("timm_model_name")) is not None:
        return _convnext(content, name, side)
    heads = content.get("head_width", 64)
    if isinstance(layers := content.get("layers", 12), list):
        _check("vision_cfg: ", content, _VISION, _RESNET_READ | _RESNET_IDLE)
        return ResNetConfig(tuple(layers), width, 32 * width // heads, side)
    _check("vision_cfg: ", content, _VISION, _VIT_READ | _IDLE)
    return VisionConfig(_transformer(content, width, width // heads, quick), side, content.get("patch_size", 16))


def _convnext(content: dict[str, Any], name: str, side: int) -> ConvNeXtConfig:
    _check("vision_cfg: ", content, _VISION, _CONVNEXT_READ | _CONVNEXT_IDLE)
    pool = content.get("timm_pool", "avg")
    if name not in _CONVNEXTS or pool not in ("avg", ""):  # without a name it is the network's own, which is the mean
        raise InputError(
            f"vision_cfg: asks for timm_model_name {name!r}, timm_pool {pool!r}, not known here; {_INSTEAD}"
        )
    layers, width, epsilon = _CONVNEXTS[name]
    widths = tuple(width * 2**stage for stage in range(len(layers)))
    projection, bias = content.get("timm_proj", "linear"), content.get("timm_proj_bias", False)
    return ConvNeXtConfig(layers, widths, side, epsilon, projection, bias)


def _check(where: str, content: dict[str, Any], default: dict[str, Any], read: set[str]) -> None:
    for key, value in content.items():
        if key not in read and (key not in default or value != default[key]):
            raise InputError(f"{where}asks for {key} {value!r}, which is not known here; {_INSTEAD}")


def _transformer(content: dict[str, Any], width: int, heads: int, quick: bool) -> TransformerConfig:
    activation, norm = content.get("act_kwargs") or {}, content.get("norm_kwargs") or {}
    if activation not in ({}, {"approximate": "none"}, {"approximate": "tanh"}) or norm.keys() - {"eps"}:
        raise InputError(f"asks for act_kwargs {activation}, norm_kwargs {norm}, not known here; {_INSTEAD}")
    exact = "gelu_pytorch_tanh" if activation.get("approximate") == "tanh" else "gelu"
    hidden = int(width * content.get("mlp_ratio", 4.0))
    return TransformerConfig(
        width, content.get("layers", 12), heads, hidden, "quick_gelu" if quick else exact, norm.get("eps", 1e-5)
    )


def _side(value: int | list[int]) -> int:
    sides = {value} if isinstance(value, int) else set(value)
    if len(sides) != 1:
        raise InputError(f"image_size must be a square's, got {value}")
    return sides.pop()


def _preprocessing(content: dict[str, Any], side: int) -> Preprocessing:
    said = {key: value for key, value in content.items() if value is not None}
    fit = said.get("resize_mode", "shortest")
    if fit not in FITS or said.get("mode", "RGB") != "RGB":
        asked = f"resize_mode {fit!r}, mode {said.get('mode', 'RGB')!r}"
        raise InputError(f"asks for {asked}; only {' and '.join(FITS)} in RGB are known here; {_INSTEAD}")
    return Preprocessing(
        side,
        side,
        said.get("interpolation", "bicubic"),
        tuple(said.get("mean", OPENAI_MEAN)),
        tuple(said.get("std", OPENAI_DEVIATION)),
        "open_clip",
        fit,
    )
