"""A pre-trained CLIP or SigLIP with what belongs to it."""

import dataclasses
from typing import Any, NamedTuple

from pretrained.clip import CLIP
from pretrained.config import CLIPConfig, SigLIPConfig
from pretrained.preprocessing import Preprocessing
from pretrained.siglip import SigLIP
from pretrained.tokenizer import TextTokenizer


class Checkpoint(NamedTuple):
    """A pre-trained CLIP or SigLIP with what belongs to it.

    Attributes:
        model: embeds images and texts.
        config: its sizes.
        preprocessing: of photos.
        tokenizer: of texts.
        format: of the files it was read from.
        dtype: of its weights.
        overridden: what a user asked for instead of what the files say.
    """

    model: CLIP | SigLIP
    config: CLIPConfig | SigLIPConfig
    preprocessing: Preprocessing
    tokenizer: TextTokenizer
    format: str = "huggingface"
    dtype: str = "float32"
    overridden: tuple[str, ...] = ()

    def description(self) -> dict[str, Any]:
        """What its answers depend on, but for the weights themselves: plain data for a summary."""
        vision, text = self.config.vision, self.config.text
        return {
            "architecture": type(self.model).__name__,
            "format": self.format,
            "dtype": self.dtype,
            "embed_dim": self.config.embed_dim,
            "image_tower": dataclasses.asdict(vision.transformer)
            | {"image_size": vision.image_size, "patch_size": vision.patch_size},
            "text_tower": dataclasses.asdict(text.transformer)
            | {"vocabulary": text.vocabulary, "context": text.context, "text_pooling": text.pooling}
            | {"causal": text.causal, "end_token": self.tokenizer.end_token, "pad_token": self.tokenizer.pad_token},
            "preprocessing": dataclasses.asdict(self.preprocessing)
            | {"mean": list(self.preprocessing.mean), "deviation": list(self.preprocessing.deviation)},
            "overridden": list(self.overridden),
        }
