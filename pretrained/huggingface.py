"""CLIP in Hugging Face's format: config.json, model.safetensors, preprocessor_config.json, tokenizer.json."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
from flax import nnx
from safetensors.numpy import save

from pretrained.checkpoint import Checkpoint
from pretrained.clip import CLIP
from pretrained.config import CLIPConfig, TextConfig, TransformerConfig, VisionConfig
from pretrained.huggingface_keys import entries
from pretrained.keys import to_file
from pretrained.preprocessing import INTERPOLATIONS, Preprocessing
from pretrained.tokenizer import TextTokenizer, read_tokenizer
from pretrained.weights import read_json, read_model
from workbench.errors import InputError

_LEGACY_END = 2  # written by mistake before 2023, when the highest token was taken for the end
_BUFFERS = ("text_model.embeddings.position_ids", "vision_model.embeddings.position_ids")  # no weights


def load(folder: Path) -> Checkpoint:
    """Read a checkpoint; nothing in it is run.

    Raises:
        InputError: a file is missing, is no CLIP's, or holds other weights than its configuration says.
    """
    content = read_json(folder / "config.json")
    if content.get("model_type") != "clip":
        raise InputError(f"{folder / 'config.json'}: must be a CLIP's, is one of {content.get('model_type')!r}")
    try:
        config = _config(content)
        preprocessing = _preprocessing(read_json(folder / "preprocessor_config.json"))
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise InputError(str(error) if str(folder) in str(error) else f"{folder}: {error}") from error
        raise InputError(f"{folder}: its configuration lacks or misspells {error}") from error
    model = read_model(folder / "model.safetensors", config, entries(config), _BUFFERS)
    end = config.text.vocabulary - 1 if config.text.end_token is None else config.text.end_token
    # CLIP's own tokenizer fills up with the end token.
    tokenizer = read_tokenizer(folder, config.text.context, end, end)
    return Checkpoint(model, config, preprocessing, tokenizer)


def _transformer(content: dict[str, Any]) -> TransformerConfig:
    return TransformerConfig(
        content["hidden_size"],
        content["num_hidden_layers"],
        content["num_attention_heads"],
        content["intermediate_size"],
        content.get("hidden_act", "quick_gelu"),
        content.get("layer_norm_eps", 1e-5),
    )


def _config(content: dict[str, Any]) -> CLIPConfig:
    # What the files leave out has the values of OpenAI's ViT-B/32.
    text = _TEXT_DEFAULTS | content["text_config"]
    vision = _VISION_DEFAULTS | content["vision_config"]
    end = text.get("eos_token_id", _LEGACY_END)
    return CLIPConfig(
        VisionConfig(_transformer(vision), vision["image_size"], vision["patch_size"]),
        TextConfig(
            _transformer(text),
            text["vocab_size"],
            text["max_position_embeddings"],
            None if end == _LEGACY_END else end,
        ),
        content.get("projection_dim", 512),
    )


_TEXT_DEFAULTS = {
    "hidden_size": 512,
    "num_hidden_layers": 12,
    "num_attention_heads": 8,
    "intermediate_size": 2048,
    "vocab_size": 49408,
    "max_position_embeddings": 77,
}
_VISION_DEFAULTS = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "image_size": 224,
    "patch_size": 32,
}


def _preprocessing(content: dict[str, Any]) -> Preprocessing:
    names = {number: name for name, number in INTERPOLATIONS.items()}
    return Preprocessing(
        _side(content["size"], "shortest_edge"),
        _side(content["crop_size"], "height"),
        names[content.get("resample", INTERPOLATIONS["bicubic"])],
        tuple(content["image_mean"]),
        tuple(content["image_std"]),
    )


def _side(value: int | dict[str, int], key: str) -> int:
    return value if isinstance(value, int) else value[key]


def files(model: CLIP, config: CLIPConfig, preprocessing: Preprocessing, tokenizer: TextTokenizer) -> dict[str, Any]:
    """A CLIP as files of this format: name to content."""
    state = dict(nnx.to_flat_state(nnx.state(model, nnx.Param)))
    tensors: dict[str, np.ndarray] = {}
    for entry in entries(config):
        array = np.asarray(state[entry.path][...], np.float32)
        tensors |= dict(zip(entry.keys, (part.copy(order="C") for part in to_file(entry, array)), strict=True))
    vision, text = config.vision, config.text
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
        | {"eos_token_id": tokenizer.end_token, "pad_token_id": tokenizer.pad_token}
        | {"bos_token_id": None, "projection_dim": config.embed_dim},
    }
    side = {"height": preprocessing.crop, "width": preprocessing.crop}
    processor = {
        "image_processor_type": "CLIPImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"shortest_edge": preprocessing.resize},
        "resample": INTERPOLATIONS[preprocessing.interpolation],
        "do_center_crop": True,
        "crop_size": side,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": list(preprocessing.mean),
        "image_std": list(preprocessing.deviation),
    }
    end = tokenizer.tokenizer.id_to_token(tokenizer.end_token)
    names = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": end, "pad_token": end}
    return {
        "config.json": json.dumps(content, indent=2) + "\n",
        "preprocessor_config.json": json.dumps(processor, indent=2) + "\n",
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
