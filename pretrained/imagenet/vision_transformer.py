"""The vision transformer (Dosovitskiy et al. 2021) as a classifier, in flax.nnx, as torchvision has it."""

import dataclasses
from collections.abc import Collection

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from pretrained.config import TransformerConfig
from pretrained.keys import Entry, layer_entries, norm_entries
from pretrained.layers import linear
from pretrained.transformer import Transformer, cut, norm, normal

_THIRDS = ("query", "key", "value")  # one matrix in the file, in this order


@dataclasses.dataclass(frozen=True)
class ViTConfig:
    """The sizes of a vision transformer.

    Attributes:
        transformer: the sizes of its blocks.
        patch_size: side of a patch in pixels.
        classes: number of classes.
        image_size: side of an image in pixels, of which patches leave nothing over.
    """

    transformer: TransformerConfig
    patch_size: int
    classes: int = 1000
    image_size: int = 224

    def build(self, rngs: nnx.Rngs) -> "ViT":
        """The model, with initial weights."""
        return ViT(self, rngs)

    def entries(self, keys: Collection[str]) -> list[Entry]:
        """Where torchvision's file keeps each weight, for a file that has these keys."""
        layers = [f"encoder.layers.encoder_layer_{layer}." for layer in range(self.transformer.layers)]
        # The files that torchvision publishes have the older names of a block's hidden layer.
        older = f"{layers[0]}mlp.linear_1.weight" in keys
        hidden, hidden_out = ("mlp.linear_1", "mlp.linear_2") if older else ("mlp.0", "mlp.3")
        blocks = ("transformer", "blocks")
        found = [
            Entry(("class_token",), ("class_token",), leading=2),
            Entry(("patches", "kernel"), ("conv_proj.weight",), "patches", patch=self.patch_size),
            Entry(("patches", "bias"), ("conv_proj.bias",)),
            Entry(("positions",), ("encoder.pos_embedding",), leading=1),
            *norm_entries(("norm_after",), "encoder.ln"),
            *layer_entries("linear", ("head",), ["heads.head"]),
        ]
        for third, name in enumerate(_THIRDS):
            for ours, theirs, kind in (("kernel", "weight", "linear"), ("bias", "bias", "same")):
                each = tuple(f"{layer}self_attention.in_proj_{theirs}" for layer in layers)
                found.append(Entry((*blocks, name, ours), each, kind, stacked=True, third=third))
        for name, kind, key in (
            ("attention_norm", "norm", "ln_1"),
            ("out", "linear", "self_attention.out_proj"),
            ("hidden_norm", "norm", "ln_2"),
            ("hidden", "linear", hidden),
            ("hidden_out", "linear", hidden_out),
        ):
            found += layer_entries(kind, (*blocks, name), [f"{layer}{key}" for layer in layers], stacked=True)
        return found


class ViT(nnx.Module):
    """A transformer on patches and a class token; the logits are a linear map of the class token, normed.

    Args:
        config: the sizes.
        rngs: source of the initial weights.
    """

    def __init__(self, config: ViTConfig, rngs: nnx.Rngs):
        width = config.transformer.width
        self.patch_size = config.patch_size
        self.patches = linear(3 * config.patch_size**2, width, rngs)
        self.class_token = normal(rngs, (width,), 0.02)
        self.positions = normal(rngs, ((config.image_size // config.patch_size) ** 2 + 1, width), 0.02)
        self.transformer = Transformer(config.transformer, rngs)
        self.norm_after = norm(config.transformer, rngs)
        self.head = linear(width, config.classes, rngs)

    def __call__(self, images: Float[Array, "size side side 3"]) -> Float[Array, "size classes"]:
        """The logits of preprocessed images."""
        size = len(images)
        tokens = self.patches(cut(images, self.patch_size).astype(self.positions[...].dtype))
        class_token = jnp.broadcast_to(self.class_token[...], (size, 1, tokens.shape[-1]))
        tokens = jnp.concatenate([class_token, tokens], axis=1) + self.positions[...][None]
        tokens = self.transformer(tokens, at=jnp.zeros(size, int))
        return self.head(self.norm_after(tokens[:, 0]))


def vit(width: int, layers: int, heads: int, patch_size: int) -> ViTConfig:
    """A vision transformer whose hidden layers are four times as wide as its tokens."""
    return ViTConfig(TransformerConfig(width, layers, heads, 4 * width, "gelu", 1e-6), patch_size)
