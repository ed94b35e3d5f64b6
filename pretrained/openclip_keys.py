"""Where each weight of our CLIP stands in OpenCLIP's files."""

from collections.abc import Collection

from pretrained.config import CLIPConfig
from pretrained.keys import Entry, block_entries, norm_entries, stack

_LINEAR = {"out": "attn.out_proj", "hidden": "mlp.c_fc", "hidden_out": "mlp.c_proj"}
_PROJECTIONS = ("query", "key", "value")  # one matrix in the file, in this order
_NORMS = {"attention_norm": "ln_1", "hidden_norm": "ln_2"}


def entries(config: CLIPConfig, keys: Collection[str]) -> list[Entry]:
    """All weights of a CLIP; the file's keys say whether its text tower has a prefix, as `CustomTextCLIP`'s has."""
    text = "text." if "text.positional_embedding" in keys else ""
    return [
        Entry(("log_scale",), ("logit_scale",)),
        Entry(("vision", "class_token"), ("visual.class_embedding",)),
        Entry(("vision", "patches", "kernel"), ("visual.conv1.weight",), "patches", patch=config.vision.patch_size),
        Entry(("vision", "positions"), ("visual.positional_embedding",)),
        *norm_entries(("vision", "norm_before"), "visual.ln_pre"),
        *_blocks("vision", "visual.transformer.", config.vision.transformer.layers),
        *norm_entries(("vision", "norm_after"), "visual.ln_post"),
        Entry(("vision", "projection", "kernel"), ("visual.proj",)),
        Entry(("text", "tokens"), (f"{text}token_embedding.weight",)),
        Entry(("text", "positions"), (f"{text}positional_embedding",)),
        *_blocks("text", f"{text}transformer.", config.text.transformer.layers),
        *norm_entries(("text", "norm_after"), f"{text}ln_final"),
        Entry(("text", "projection", "kernel"), (f"{text}text_projection",)),
    ]


def _blocks(tower: str, prefix: str, layers: int) -> list[Entry]:
    each = [f"{prefix}resblocks.{layer}." for layer in range(layers)]
    found = block_entries(tower, each, _LINEAR, _NORMS)
    for third, name in enumerate(_PROJECTIONS):
        for part, kind in (("kernel", "linear"), ("bias", "same")):
            end = "weight" if part == "kernel" else "bias"
            found.append(stack(tower, name, part, (f"{layer}attn.in_proj_{end}" for layer in each), kind, third))
    return found
