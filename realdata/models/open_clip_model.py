"""CLIPs run by OpenCLIP: any of its towers, by its names and tags, from the Hugging Face hub or from a folder."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from pretrained.preprocessing import Preprocessing, read_photo
from realdata.models.alike import alike_description, check_embeddings, first_alike_rows
from realdata.models.model import Model, Question
from realdata.models.registry import trained_activation
from realdata.models.torch_common import (
    FloatType,
    as_preprocessing,
    as_tensor,
    check_finite,
    device,
    import_extra,
    one_line_errors,
)
from workbench.errors import InputError

_SCHEMAS = ("hf-hub:", "local-dir:")  # OpenCLIP's prefixes of names without a tag
_PRECISIONS = {"float32": "fp32", "bfloat16": "bf16"}  # OpenCLIP's words
_TEXTS = 256  # in a batch


class OpenCLIPModel:
    """A CLIP that scores candidates by cosine similarity; see `Model`.

    Attributes:
        description: see `Model`.
        clip: OpenCLIP's module.
        prompts: a tensor of unit vectors, one for each candidate.
        firsts: for each candidate, the first one that the model cannot tell from it, which may be itself.
        preprocessing: how photos become its images.
        dtype: its floating-point type.
    """

    texts = True
    batch_size = 64

    def __init__(
        self,
        description: Mapping[str, Any],
        clip: Any,
        prompts: Any,
        firsts: Int[np.ndarray, " candidates"],
        preprocessing: Preprocessing,
        dtype: FloatType,
    ):
        self.description: Mapping[str, Any] = {
            **description,
            "preprocessing": dataclasses.asdict(preprocessing),
            "dtype": dtype,
        }
        self.read: Callable[[Path], np.ndarray] = functools.partial(read_photo, preprocessing=preprocessing)
        self.clip, self.prompts, self.firsts = clip, prompts, firsts
        self.preprocessing, self.dtype = preprocessing, dtype

    def score(
        self, images: Sequence[np.ndarray], among: Bool[np.ndarray, "size candidates"]
    ) -> Float[np.ndarray, "size candidates"]:
        """The cosine similarity of each photo and every candidate."""
        import torch

        with torch.inference_mode():
            photos = as_tensor(images, self.preprocessing, self.dtype)
            embedded = self.clip.encode_image(photos, normalize=True).float()
            return (embedded @ self.prompts.T).cpu().numpy()[:, self.firsts]


def load(name: str, question: Question, dtype: FloatType = "float32") -> Model:
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
    prompts, firsts, cut = _embed(clip, tokenizer, question, dtype)
    description = {
        "kind": "open_clip",
        "name": name,
        "templates": question.templates,
        "open_clip_torch": open_clip.__version__,
        **alike_description(question, firsts),
        "prompts": len(question.names) * len(question.templates),
        "prompts_cut": cut,
    }
    return OpenCLIPModel(description, clip, prompts, firsts, images, dtype)


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


def _embed(
    clip: Any, tokenizer: Callable[[list[str]], Any], question: Question, dtype: FloatType
) -> tuple[Any, Int[np.ndarray, " candidates"], int]:
    """Embed the prompts.

    Returns:
        For each candidate, the normalised mean over the templates of the normalised embeddings; the first candidate
        that cannot be told from it; and the number of texts that were cut.
    """
    import torch

    texts = [template.replace("{}", name) for name in question.names for template in question.templates]
    tokens = [tokenizer(texts[start : start + _TEXTS]) for start in range(0, len(texts), _TEXTS)]
    with torch.inference_mode():
        found = torch.cat([clip.encode_text(part.to(device()), normalize=True).float() for part in tokens])
        check_embeddings(found.cpu().numpy(), texts, dtype)
        means = found.reshape(len(question.names), len(question.templates), -1).mean(dim=1)
        prompts = torch.nn.functional.normalize(means, dim=1)
    of_texts = torch.cat(tokens).cpu().numpy()
    firsts = first_alike_rows(of_texts.reshape(len(question.names), -1), prompts.cpu().numpy())
    return prompts, firsts, _count_cut(tokenizer, of_texts)


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
