"""Where each weight of our CLIP stands in Hugging Face's files."""

from pretrained.config import CLIPConfig
from pretrained.keys import Entry, block_entries, norm_entries

_LINEAR = {
    "query": "self_attn.q_proj",
    "key": "self_attn.k_proj",
    "value": "self_attn.v_proj",
    "out": "self_attn.out_proj",
    "hidden": "mlp.fc1",
    "hidden_out": "mlp.fc2",
}
_NORMS = {"attention_norm": "layer_norm1", "hidden_norm": "layer_norm2"}


def entries(config: CLIPConfig) -> list[Entry]:
    """All weights of a CLIP."""
    vision, text = "vision_model.", "text_model."
    return [
        Entry(("log_scale",), ("logit_scale",)),
        Entry(("vision", "class_token"), (f"{vision}embeddings.class_embedding",)),
        Entry(
            ("vision", "patches", "kernel"),
            (f"{vision}embeddings.patch_embedding.weight",),
            "patches",
            patch=config.vision.patch_size,
        ),
        Entry(("vision", "positions"), (f"{vision}embeddings.position_embedding.weight",)),
        *norm_entries(("vision", "norm_before"), f"{vision}pre_layrnorm"),  # sic
        *blocks("vision", vision, config.vision.transformer.layers),
        *norm_entries(("vision", "norm_after"), f"{vision}post_layernorm"),
        Entry(("vision", "projection", "kernel"), ("visual_projection.weight",), "linear"),
        Entry(("text", "tokens"), (f"{text}embeddings.token_embedding.weight",)),
        Entry(("text", "positions"), (f"{text}embeddings.position_embedding.weight",)),
        *blocks("text", text, config.text.transformer.layers),
        *norm_entries(("text", "norm_after"), f"{text}final_layer_norm"),
        Entry(("text", "projection", "kernel"), ("text_projection.weight",), "linear"),
    ]


def blocks(tower: str, prefix: str, layers: int) -> list[Entry]:
    """The weights of the blocks of a tower, whose keys begin with the prefix."""
    return block_entries(tower, [f"{prefix}encoder.layers.{layer}." for layer in range(layers)], _LINEAR, _NORMS)
