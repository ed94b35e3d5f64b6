"""A pre-trained CLIP or SigLIP with its configuration, preprocessing and tokenizer."""

import dataclasses
from typing import Any, NamedTuple

from pretrained.clip import CLIP
from pretrained.config import CLIPConfig, SigLIPConfig
from pretrained.preprocessing import Preprocessing
from pretrained.siglip import SigLIP
from pretrained.tokenizer import TextTokenizer


class Checkpoint(NamedTuple):
    """A pre-trained CLIP or SigLIP with its configuration, preprocessing and tokenizer.

    Attributes:
        model: the model, which embeds images and texts.
        config: the sizes of the model.
        preprocessing: the preprocessing of photos.
        tokenizer: the tokenizer of texts.
        format: the format of its files.
        dtype: the floating-point type of its weights.
        overridden: the settings that the user gave in place of the files'.
    """

    model: CLIP | SigLIP
    config: CLIPConfig | SigLIPConfig
    preprocessing: Preprocessing
    tokenizer: TextTokenizer
    format: str = "huggingface"
    dtype: str = "float32"
    overridden: tuple[str, ...] = ()

    def description(self) -> dict[str, Any]:
        """Everything that its answers depend on, except the weights; plain data for a summary."""
        text = self.config.text
        return {
            "architecture": type(self.model).__name__,
            "format": self.format,
            "dtype": self.dtype,
            "embed_dim": self.config.embed_dim,
            "image_tower": self.config.vision.description(),
            "text_tower": dataclasses.asdict(text.transformer)
            | {"vocabulary": text.vocabulary, "context": text.context, "text_pooling": text.pooling}
            | {"causal": text.causal, "end_token": self.tokenizer.end_token, "pad_token": self.tokenizer.pad_token},
            "preprocessing": dataclasses.asdict(self.preprocessing)
            | {"mean": list(self.preprocessing.mean), "deviation": list(self.preprocessing.deviation)},
            "overridden": list(self.overridden),
        }
