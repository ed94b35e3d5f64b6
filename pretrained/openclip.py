"""CLIP in OpenCLIP's format, which open_clip_config.json describes."""

from pathlib import Path
from typing import Any

from pretrained.config import CLIPConfig, TextConfig, TransformerConfig, VisionConfig, in_file
from pretrained.keys import Layout, openclip_entries
from pretrained.preprocessing import FITS, OPENAI_DEVIATION, OPENAI_MEAN, Preprocessing
from workbench.errors import InputError
from workbench.results import read_json

CONFIG = "open_clip_config.json"
_BUFFERS = ("attn_mask", "text.attn_mask")  # not weights
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
_VISION_READ = _BOTH_READ | {"image_size", "head_width", "patch_size"}
_TEXT_READ = _BOTH_READ | {"context_length", "vocab_size", "heads", "pool_type", "eos_id", "no_causal_mask"}
# These matter only for training, or for a part that the settings above exclude.
_IDLE = {"patch_dropout", "attn_pooler_queries", "attn_pooler_heads", "pad_id", "hf_model_pretrained", "hf_proj_type"}
_IDLE |= {"hf_pooler_type", "timm_model_pretrained", "timm_pool", "timm_proj", "timm_proj_bias", "timm_drop"}
_IDLE |= {"timm_drop_path"}


def read(folder: Path) -> Layout:
    """Read the configuration of a checkpoint.

    Raises:
        InputError: the file is missing, or does not describe a CLIP with a vision transformer.
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
    _check("vision_cfg: ", vision, _VISION, _VISION_READ | _IDLE)
    _check("text_cfg: ", text, _TEXT, _TEXT_READ | _IDLE)
    if not isinstance(vision.get("layers", 12), int):
        raise InputError(f"its image tower is no vision transformer (layers {vision['layers']}); {_INSTEAD}")
    quick = bool(content.get("quick_gelu"))
    vocabulary, pooling = text.get("vocab_size", 49408), text.get("pool_type", "argmax")
    width = vision.get("width", 768)
    return CLIPConfig(
        VisionConfig(
            _transformer(vision, width, width // vision.get("head_width", 64), quick),
            _side(vision.get("image_size", 224)),
            vision.get("patch_size", 16),
        ),
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
