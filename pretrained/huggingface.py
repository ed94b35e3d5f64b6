"""CLIP and SigLIP in Hugging Face's format.

`read` reads config.json and the processor's file; `files` writes a CLIP in the same format, with its weights and its
tokenizer.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
from flax import nnx
from safetensors.numpy import save

from pretrained.checkpoint import Checkpoint
from pretrained.config import CLIPConfig, SigLIPConfig, TextConfig, TransformerConfig, VisionConfig, in_file
from pretrained.keys import Layout, huggingface_entries, siglip_entries, to_file
from pretrained.preprocessing import INTERPOLATIONS, OPENAI_DEVIATION, OPENAI_MEAN, Preprocessing
from workbench.errors import InputError
from workbench.results import read_json

CONFIG = "config.json"
LEGACY_END = 2  # in files from before 2023, by mistake; transformers then pooled at the highest token
_BUFFERS = ("text_model.embeddings.position_ids", "vision_model.embeddings.position_ids")  # not weights
NAMES = ("preprocessor_config.json", "processor_config.json")
# Values that the files leave out are the defaults of the library's processors.
_CLIP = {
    "size": 224,
    "crop_size": 224,
    "do_center_crop": True,
    "image_mean": OPENAI_MEAN,
    "image_std": OPENAI_DEVIATION,
}
_SIGLIP = {
    "size": {"height": 224, "width": 224},
    "do_center_crop": False,
    "image_mean": (0.5, 0.5, 0.5),
    "image_std": (0.5, 0.5, 0.5),
}
_ALWAYS = {"do_resize": True, "do_rescale": True, "do_normalize": True}


def read_preprocessing(folder: Path, kind: str) -> Preprocessing:
    """Read the preprocessing of a checkpoint of a kind, `clip` or `siglip`.

    Raises:
        InputError: the file is missing, or has a setting that is not supported.
    """
    path = next((folder / name for name in NAMES if (folder / name).exists()), folder / NAMES[0])
    content = read_json(path)
    with in_file(path):
        # In newer files the processor of photos is beside the one of texts.
        return _preprocessing((_CLIP if kind == "clip" else _SIGLIP) | content.get("image_processor", content))


def _preprocessing(content: dict[str, Any]) -> Preprocessing:
    for key in _ALWAYS:
        if content.get(key, True) is not True:
            raise InputError(f"{key} must be true, got {content[key]}")
    if abs(255 * content.get("rescale_factor", 1 / 255) - 1) > 1e-6:
        raise InputError(f"rescale_factor must be 1/255, got {content['rescale_factor']}")
    size = content["size"]
    squash = isinstance(size, dict) and "shortest_edge" not in size
    resize = _square(size) if squash else _side(size, "shortest_edge")
    if not content["do_center_crop"] and not squash:
        raise InputError(f"without do_center_crop, size must have height and width, got {size}")
    names = {number: name for name, number in INTERPOLATIONS.items()}
    return Preprocessing(
        resize,
        _square(content["crop_size"]) if content["do_center_crop"] else resize,
        names[content.get("resample", INTERPOLATIONS["bicubic"])],
        tuple(content["image_mean"]),
        tuple(content["image_std"]),
        fit="squash" if squash else "shortest",
    )


def _square(value: int | dict[str, int]) -> int:
    height, width = _side(value, "height"), _side(value, "width")
    if height != width:
        raise InputError(f"height and width must be the same, got {height} and {width}")
    return height


def _side(value: int | dict[str, int], key: str) -> int:
    return value if isinstance(value, int) else value[key]


def write_preprocessing(preprocessing: Preprocessing) -> dict[str, Any]:
    """The content of preprocessor_config.json."""
    size, crop = (dict.fromkeys(("height", "width"), side) for side in (preprocessing.resize, preprocessing.crop))
    return _ALWAYS | {
        "image_processor_type": "CLIPImageProcessor",
        "do_convert_rgb": True,
        "size": size if preprocessing.fit == "squash" else {"shortest_edge": preprocessing.resize},
        "resample": INTERPOLATIONS[preprocessing.interpolation],
        "do_center_crop": True,
        "crop_size": crop,
        "rescale_factor": 1 / 255,
        "image_mean": list(preprocessing.mean),
        "image_std": list(preprocessing.deviation),
    }


def files(checkpoint: Checkpoint) -> dict[str, Any]:
    """The files of a CLIP in this format: name to content.

    Raises:
        InputError: this format cannot express the CLIP.
    """
    config, tokenizer = checkpoint.config, checkpoint.tokenizer
    if not isinstance(config, CLIPConfig) or config.text.pooling == "last" or not config.text.causal:
        raise InputError("only a CLIP whose texts end with a token of their own can be written, got another model")
    vision, text = config.vision, config.text
    if not isinstance(vision, VisionConfig):
        raise InputError("only a CLIP with a vision transformer can be written, got another image tower")
    state = dict(nnx.to_flat_state(nnx.state(checkpoint.model, nnx.Param)))
    tensors: dict[str, np.ndarray] = {}
    for entry in huggingface_entries(vision, text):
        array = np.asarray(state[entry.path][...], np.float32)
        tensors |= dict(zip(entry.keys, (part.copy(order="C") for part in to_file(entry, array)), strict=True))
    content = {
        "architectures": ["CLIPModel"],
        "model_type": "clip",
        "projection_dim": config.embed_dim,
        "logit_scale_init_value": 2.6592,
        "vision_config": _transformer_content(vision.transformer)
        | {"model_type": "clip_vision_model", "image_size": vision.image_size, "patch_size": vision.patch_size}
        | {"num_channels": 3, "projection_dim": config.embed_dim},
        "text_config": _transformer_content(text.transformer)
        | {"model_type": "clip_text_model", "vocab_size": text.vocabulary, "max_position_embeddings": text.context}
        | {"eos_token_id": LEGACY_END if text.pooling == "argmax" else text.end_token}
        | {"pad_token_id": tokenizer.pad_token, "bos_token_id": None, "projection_dim": config.embed_dim},
    }
    end = tokenizer.tokenizer.id_to_token(tokenizer.end_token)
    names = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": end, "pad_token": end}
    return {
        "config.json": json.dumps(content, indent=2) + "\n",
        "preprocessor_config.json": json.dumps(write_preprocessing(checkpoint.preprocessing), indent=2) + "\n",
        "tokenizer.json": tokenizer.tokenizer.to_str(pretty=True) + "\n",
        "tokenizer_config.json": json.dumps(names | {"model_max_length": text.context}, indent=2) + "\n",
        "model.safetensors": save(tensors, metadata={"format": "pt"}),
    }


def _transformer_content(config: TransformerConfig) -> dict[str, Any]:
    values = dataclasses.asdict(config)
    names = {
        "hidden_size": "width",
        "num_hidden_layers": "layers",
        "num_attention_heads": "heads",
        "intermediate_size": "hidden",
        "hidden_act": "activation",
        "layer_norm_eps": "norm_epsilon",
    }
    return {name: values[ours] for name, ours in names.items()}


def read(folder: Path) -> Layout:
    """Read the configuration of a checkpoint.

    Raises:
        InputError: a file is missing, or does not describe a CLIP or SigLIP.
    """
    path = folder / CONFIG
    content = read_json(path)
    kind = content.get("model_type")
    if kind not in ("clip", "siglip"):
        raise InputError(f"{path}: must be a CLIP's or a SigLIP's, is one of {kind!r}")
    if kind == "siglip":
        with in_file(path):
            siglip = _siglip(content)
        preprocessing = read_preprocessing(folder, kind)
        # SiglipTokenizer pads with the end token; other tokenizers name their padding.
        return Layout(
            "huggingface", siglip, preprocessing, lambda keys: siglip_entries(siglip), _BUFFERS, "</s>", "</s>"
        )
    with in_file(path):
        vision, text = _clip_towers(content)
        clip, end = CLIPConfig(vision, text, content.get("projection_dim", 512)), text.end_token
    preprocessing = read_preprocessing(folder, kind)
    # CLIP's own tokenizer pads with the end token.
    return Layout(
        "huggingface", clip, preprocessing, lambda keys: huggingface_entries(vision, text), _BUFFERS, end, end
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


def _clip_towers(content: dict[str, Any]) -> tuple[VisionConfig, TextConfig]:
    # Values that the files leave out are those of OpenAI's ViT-B/32.
    common = {"num_hidden_layers": 12, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5}
    text = common | _CLIP_TEXT | content["text_config"]
    vision = common | _CLIP_VISION | content["vision_config"]
    end = text["eos_token_id"]
    if not isinstance(end, int):
        raise InputError(f"the text's eos_token_id must be one token, got {end}")
    pooling, end = ("argmax", text["vocab_size"] - 1) if end == LEGACY_END else ("eos", end)
    return _vision(vision), TextConfig(
        _transformer(text), text["vocab_size"], text["max_position_embeddings"], pooling, end
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
    # Values that the files leave out are those of SigLIP's ViT-B/16.
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
            1,  # in the vocabularies of SigLIP and SigLIP 2
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
