"""CLIP and SigLIP in Hugging Face's format: what config.json and preprocessor_config.json say."""

from pathlib import Path
from typing import Any

from pretrained import huggingface_keys, siglip_keys
from pretrained.config import CLIPConfig, SigLIPConfig, TextConfig, TransformerConfig, VisionConfig
from pretrained.huggingface_preprocessing import read_preprocessing
from pretrained.json_file import read_json, told_of
from pretrained.layout import Layout
from workbench.errors import InputError

CONFIG = "config.json"
LEGACY_END = 2  # written by mistake before 2023, when the highest token was taken for the end
_BUFFERS = ("text_model.embeddings.position_ids", "vision_model.embeddings.position_ids")  # no weights


def read(folder: Path) -> Layout:
    """What the configuration of a checkpoint says.

    Raises:
        InputError: a file is missing, or is no CLIP's or SigLIP's.
    """
    path = folder / CONFIG
    content = read_json(path)
    kind = content.get("model_type")
    if kind not in ("clip", "siglip"):
        raise InputError(f"{path}: must be a CLIP's or a SigLIP's, is one of {kind!r}")
    with told_of(path):
        config = _clip(content) if kind == "clip" else _siglip(content)
    preprocessing = read_preprocessing(folder, kind)
    if isinstance(config, CLIPConfig):
        clip, end = config, config.text.end_token
        # CLIP's own tokenizer fills up with the end token.
        return Layout(
            "huggingface", clip, preprocessing, lambda keys: huggingface_keys.entries(clip), _BUFFERS, end, end
        )
    siglip = config
    # Both are SiglipTokenizer's, which fills up with the end token; other tokenizers name theirs.
    return Layout(
        "huggingface", siglip, preprocessing, lambda keys: siglip_keys.entries(siglip), _BUFFERS, "</s>", "</s>"
    )


def _transformer(content: dict[str, Any]) -> TransformerConfig:
    return TransformerConfig(
        content["hidden_size"],
        content["num_hidden_layers"],
        content["num_attention_heads"],
        content["intermediate_size"],
        content["hidden_act"],
        content["layer_norm_eps"],
    )


def _vision(content: dict[str, Any]) -> VisionConfig:
    return VisionConfig(_transformer(content), content["image_size"], content["patch_size"])


def _clip(content: dict[str, Any]) -> CLIPConfig:
    # What the files leave out has the values of OpenAI's ViT-B/32.
    common = {"num_hidden_layers": 12, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5}
    text = common | _CLIP_TEXT | content["text_config"]
    vision = common | _CLIP_VISION | content["vision_config"]
    end = text["eos_token_id"]
    if not isinstance(end, int):
        raise InputError(f"the text's eos_token_id must be one token, got {end}")
    pooling, end = ("argmax", text["vocab_size"] - 1) if end == LEGACY_END else ("eos", end)
    return CLIPConfig(
        _vision(vision),
        TextConfig(_transformer(text), text["vocab_size"], text["max_position_embeddings"], pooling, end),
        content.get("projection_dim", 512),
    )


_CLIP_TEXT = {
    "hidden_size": 512,
    "num_attention_heads": 8,
    "intermediate_size": 2048,
    "vocab_size": 49408,
    "max_position_embeddings": 77,
    "eos_token_id": LEGACY_END,
}
_CLIP_VISION = {
    "hidden_size": 768,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "image_size": 224,
    "patch_size": 32,
}


def _siglip(content: dict[str, Any]) -> SigLIPConfig:
    # What the files leave out has the values of SigLIP's ViT-B/16.
    text, vision = (_SIGLIP_TOWER | content[f"{tower}_config"] for tower in ("text", "vision"))
    text = {"vocab_size": 32000, "max_position_embeddings": 64} | text
    vision = {"image_size": 224, "patch_size": 16, "vision_use_head": True} | vision
    if not vision["vision_use_head"]:
        raise InputError("its image tower has no head, so that it has no embedding")
    width = text.get("projection_size") or text["hidden_size"]
    if width != vision["hidden_size"]:
        raise InputError(f"the towers' embeddings must be as wide, are {vision['hidden_size']} and {width}")
    return SigLIPConfig(
        _vision(vision),
        TextConfig(
            _transformer(text),
            text["vocab_size"],
            text["max_position_embeddings"],
            "last",
            1,  # of both SigLIPs' vocabularies
            causal=False,
            projection_bias=True,
        ),
    )


_SIGLIP_TOWER = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "hidden_act": "gelu_pytorch_tanh",
    "layer_norm_eps": 1e-6,
}
