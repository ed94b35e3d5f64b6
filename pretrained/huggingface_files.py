"""A CLIP written in Hugging Face's format: config.json, model.safetensors, preprocessor_config.json, tokenizer.json."""

import dataclasses
import json
from typing import Any

import numpy as np
from flax import nnx
from safetensors.numpy import save

from pretrained.checkpoint import Checkpoint
from pretrained.config import CLIPConfig, TransformerConfig
from pretrained.huggingface import LEGACY_END
from pretrained.huggingface_keys import entries
from pretrained.huggingface_preprocessing import write_preprocessing
from pretrained.keys import to_file
from workbench.errors import InputError


def files(checkpoint: Checkpoint) -> dict[str, Any]:
    """A CLIP as files of this format: name to content.

    Raises:
        InputError: it is no CLIP as this format knows it.
    """
    config, tokenizer = checkpoint.config, checkpoint.tokenizer
    if not isinstance(config, CLIPConfig) or config.text.pooling == "last" or not config.text.causal:
        raise InputError("only a CLIP whose texts end with a token of their own can be written, got another model")
    state = dict(nnx.to_flat_state(nnx.state(checkpoint.model, nnx.Param)))
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
        "vision_config": _transformer(vision.transformer)
        | {"model_type": "clip_vision_model", "image_size": vision.image_size, "patch_size": vision.patch_size}
        | {"num_channels": 3, "projection_dim": config.embed_dim},
        "text_config": _transformer(text.transformer)
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


def _transformer(config: TransformerConfig) -> dict[str, Any]:
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
