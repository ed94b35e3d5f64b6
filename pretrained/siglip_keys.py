"""Where each weight of our SigLIP stands in Hugging Face's files."""

from pretrained.config import SigLIPConfig
from pretrained.huggingface_keys import blocks
from pretrained.keys import Entry, linear_entries, norm_entries


def entries(config: SigLIPConfig) -> list[Entry]:
    """All weights of a SigLIP."""
    vision, text, head = "vision_model.", "text_model.", "vision_model.head."
    attention = [
        entry
        for third, name in enumerate(("query", "key", "value"))
        for entry in linear_entries(("vision", "pool", name), f"{head}attention.in_proj_", third)
    ]
    return [
        Entry(("log_scale",), ("logit_scale",), leading=1),
        Entry(("bias",), ("logit_bias",), leading=1),
        Entry(
            ("vision", "patches", "kernel"),
            (f"{vision}embeddings.patch_embedding.weight",),
            "patches",
            patch=config.vision.patch_size,
        ),
        Entry(("vision", "patches", "bias"), (f"{vision}embeddings.patch_embedding.bias",)),
        Entry(("vision", "positions"), (f"{vision}embeddings.position_embedding.weight",)),
        *blocks("vision", vision, config.vision.transformer.layers),
        *norm_entries(("vision", "norm_after"), f"{vision}post_layernorm"),
        Entry(("vision", "pool", "probe"), (f"{head}probe",), leading=2),
        *attention,
        *linear_entries(("vision", "pool", "out"), f"{head}attention.out_proj."),
        *norm_entries(("vision", "pool", "norm"), f"{head}layernorm"),
        *linear_entries(("vision", "pool", "hidden"), f"{head}mlp.fc1."),
        *linear_entries(("vision", "pool", "hidden_out"), f"{head}mlp.fc2."),
        Entry(("text", "tokens"), (f"{text}embeddings.token_embedding.weight",)),
        Entry(("text", "positions"), (f"{text}embeddings.position_embedding.weight",)),
        *blocks("text", text, config.text.transformer.layers),
        *norm_entries(("text", "norm_after"), f"{text}final_layer_norm"),
        *linear_entries(("text", "projection"), f"{text}head."),
    ]
