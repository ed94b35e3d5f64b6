"""CLIPs run by OpenCLIP: any of its towers, by its names and tags, from the Hugging Face hub or from a folder."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from pretrained.preprocessing import Preprocessing, read_photo
from realdata.models.alike import alike_description, first_alike_rows
from realdata.models.loading import FloatType
from realdata.models.model import EmbeddingModel, Question
from realdata.models.prompt_embeddings import TEXTS, embed_once, in_batches, mean_over_templates
from realdata.models.registry import trained_activation
from realdata.models.torch_common import (
    as_preprocessing,
    as_tensor,
    check_finite,
    device,
    import_extra,
    one_line_errors,
    weights_digest,
)
from workbench.errors import InputError

_SCHEMAS = ("hf-hub:", "local-dir:")  # OpenCLIP's prefixes of names without a tag
_PRECISIONS = {"float32": "fp32", "bfloat16": "bf16"}  # OpenCLIP's words


class OpenCLIPModel:
    """A CLIP that scores candidates by cosine similarity; see `EmbeddingModel`.

    Attributes:
        description: see `Model`.
        clip: OpenCLIP's module.
        tokenizer: of texts.
        prompts: unit vectors, one for each candidate.
        firsts: for each candidate, the first one that the model cannot tell from it, which may be itself.
        preprocessing: how photos become its images.
        dtype: its floating-point type.
        scale: the factor of cosine similarities in its training.
    """

    texts = True
    batch_size = 64

    def __init__(
        self,
        description: Mapping[str, Any],
        clip: Any,
        tokenizer: Callable[[list[str]], Any],
        question: Question,
        preprocessing: Preprocessing,
        dtype: FloatType,
    ):
        self.clip, self.tokenizer = clip, tokenizer
        self.preprocessing, self.dtype = preprocessing, dtype
        self.read: Callable[[Path], np.ndarray] = functools.partial(read_photo, preprocessing=preprocessing)
        self.scale = float(clip.logit_scale.detach().float().exp())
        self.prompts, tokens = self._embed(question)
        self.firsts = first_alike_rows(tokens.reshape(len(question.names), -1), self.prompts)
        self.description: Mapping[str, Any] = {
            **description,
            **alike_description(question, self.firsts),
            "prompts": len(tokens),
            "prompts_cut": _count_cut(tokenizer, tokens),
            "preprocessing": dataclasses.asdict(preprocessing),
            "dtype": dtype,
        }

    def score(
        self, images: Sequence[np.ndarray], among: Bool[np.ndarray, "size candidates"]
    ) -> Float[np.ndarray, "size candidates"]:
        """The cosine similarity of each photo and every candidate."""
        return (self.embed_images(images) @ self.prompts.T)[:, self.firsts]

    def embed_images(self, images: Sequence[np.ndarray]) -> Float[np.ndarray, "size embed_dim"]:
        """See `EmbeddingModel.embed_images`."""
        import torch

        with torch.inference_mode():
            photos = as_tensor(images, self.preprocessing, self.dtype)
            return self.clip.encode_image(photos, normalize=True).float().cpu().numpy()

    def embed_names(self, names: Sequence[str], templates: Sequence[str]) -> Float[np.ndarray, "names embed_dim"]:
        """See `EmbeddingModel.embed_names`; they are kept in the user's cache folder."""
        return self._embed(Question([], list(names), list(templates)))[0]

    def _embed(
        self, question: Question
    ) -> tuple[Float[np.ndarray, "names embed_dim"], Int[np.ndarray, "texts context"]]:
        """The normalised mean over the templates of the normalised embeddings, and the texts' tokens."""
        import torch

        texts = [template.replace("{}", name) for name in question.names for template in question.templates]
        tokens = np.concatenate(
            [self.tokenizer(texts[start : start + TEXTS]).numpy() for start in range(0, len(texts), TEXTS)]
        )

        def embed(part: Int[np.ndarray, "part context"]) -> Float[np.ndarray, "part embed_dim"]:
            with torch.inference_mode():
                return self.clip.encode_text(torch.tensor(part).to(device()), normalize=True).float().cpu().numpy()

        of_texts = embed_once(tokens, texts, self._depends_on, functools.partial(in_batches, embed=embed), self.dtype)
        return mean_over_templates(of_texts, question, self.dtype), tokens

    @functools.cached_property
    def _depends_on(self) -> bytes:
        """What a text's embedding depends on beside its tokens."""
        import torch

        made_by = f"{torch.__version__} {type(self.clip).__name__} {self.clip} {self.dtype} {device()}"
        return made_by.encode() + weights_digest(self.clip)


def load(name: str, question: Question, dtype: FloatType = "float32") -> EmbeddingModel:
    """Load a CLIP with OpenCLIP and embed the prompts.

    Of files in PyTorch's format only weights are read, and pickled code is never run. The activation is the one that
    the weights were trained with, also where OpenCLIP only warns of a mismatch, as for all of OpenAI's models.
    OpenCLIP resizes a photo before it converts it to RGB; here it is converted first. Palettes, transparency and CMYK
    then give other images; colour and grey photos give the same.

    Args:
        name: `ARCHITECTURE/TAG`, `hf-hub:OWNER/NAME` or `local-dir:FOLDER`.
        question: the candidates and the prompts' templates.
        dtype: its floating-point type.

    Raises:
        InputError: OpenCLIP is missing, or has no such model, or its preprocessing is not supported here.
        RunError: a weight or a text's embedding is not finite.
    """
    shown = f"open_clip:{name}"
    open_clip = import_extra(shown, "open_clip", "open_clip_torch", "open-clip")
    if name.startswith(_SCHEMAS):
        model_name, tag = name, None
        quick_gelu = trained_activation(name.partition(":")[2]) == "quick_gelu"
    else:
        model_name, tag, quick_gelu = _split_tag(open_clip, name, shown)
    with one_line_errors(shown):
        clip = open_clip.create_model_from_pretrained(
            model_name,
            tag,
            precision=_PRECISIONS[dtype],
            device=device(),
            force_quick_gelu=quick_gelu,
            return_transform=False,
            weights_only=True,
        ).eval()
        tokenizer = _tokenizer(open_clip, model_name)
    images = _preprocessing(shown, clip.visual.preprocess_cfg)
    check_finite(shown, clip)
    description = {
        "kind": "open_clip",
        "name": name,
        "templates": question.templates,
        "open_clip_torch": open_clip.__version__,
        # A tag names its weights; a folder or repository may hold others tomorrow.
        **({} if tag else {"weights_sha256": weights_digest(clip).hex()}),
    }
    return OpenCLIPModel(description, clip, tokenizer, question, images, dtype)


def _split_tag(open_clip: Any, name: str, shown: str) -> tuple[str, str, bool]:
    """The architecture and the tag, and whether these weights were trained with QuickGELU."""
    architecture, _, tag = name.rpartition("/")
    architecture = architecture.replace("/", "-")  # OpenAI's ViT-B/32 is OpenCLIP's ViT-B-32
    if not architecture or not tag:
        raise InputError(f"{shown}: must be ARCHITECTURE/TAG, hf-hub:OWNER/NAME or local-dir:FOLDER, got {name!r}")
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    if not tags:
        raise InputError(f"{shown}: OpenCLIP has no weights for {architecture!r}; see open_clip.list_pretrained()")
    found = open_clip.get_pretrained_cfg(architecture, tag)
    if not found:
        raise InputError(f"{shown}: the tag must be among {', '.join(tags)}, got {tag!r}")
    return architecture, tag, bool(found.get("quick_gelu", False))


def _tokenizer(open_clip: Any, name: str) -> Callable[[list[str]], Any]:
    """The model's tokenizer; no configuration can make it download code."""
    text = (open_clip.get_model_config(name) or {}).get("text_cfg", {})
    # OpenCLIP passes the configuration's own options to transformers; options given here take precedence.
    return open_clip.get_tokenizer(name, **({"trust_remote_code": False} if text.get("hf_tokenizer_name") else {}))


def _preprocessing(shown: str, content: Mapping[str, Any]) -> Preprocessing:
    size = content["size"]
    side = size if isinstance(size, int) else min(size)
    mean, deviation = (
        [part] * 3 if isinstance(part, int | float) else part for part in (content["mean"], content["std"])
    )
    # OpenCLIP knows two interpolations, and takes the second for any other name.
    interpolation = "bilinear" if content["interpolation"] == "bilinear" else "bicubic"
    return as_preprocessing(shown, "open_clip", content["resize_mode"], side, size, interpolation, mean, deviation)


def _count_cut(tokenizer: Callable[[list[str]], Any], tokens: Int[np.ndarray, "texts context"]) -> int:
    """How many texts fill the context; OpenCLIP's tokenizers do not say whether such a text was cut or just fits.

    The last token of a short text is the padding. Where the padding is also the end token, a text ends one token
    before its first padding.
    """
    one, other = tokenizer(["a", "b"]).cpu().numpy()
    fill = one[-1]
    marked = np.flatnonzero(one != fill).max(initial=0), np.flatnonzero(other != fill).max(initial=0)
    last = -1 if one[marked[0]] == other[marked[1]] else -2
    return int((tokens[:, last] != fill).sum())
