"""Texts to tokens, with the checkpoint's own files.

These are tokenizer.json, or CLIP's two older files: vocab.json, and merges.txt, in the order in which pairs are joined.
"""

import re
import string
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from workbench.errors import InputError
from workbench.results import read_json

BYTE_PAIR_FILES = ("vocab.json", "merges.txt")
_START, _END = "<|startoftext|>", "<|endoftext|>"
# CLIP's words: marks, English contractions, runs of letters, single digits, runs of anything else but spaces.
_WORDS = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def byte_pairs(folder: Path) -> Tokenizer:
    """Read the tokenizer of a folder with vocab.json and merges.txt.

    Raises:
        InputError: the files cannot be read, or lack the marks of a text's start and end.
    """
    vocabulary, merges = (folder / name for name in BYTE_PAIR_FILES)
    try:
        model = models.BPE.from_file(
            str(vocabulary), str(merges), unk_token=_END, continuing_subword_prefix="", end_of_word_suffix="</w>"
        )
    except Exception as error:  # the library raises nothing narrower
        raise InputError(f"{folder}: {' and '.join(BYTE_PAIR_FILES)} cannot be read as byte pairs ({error})") from error
    start, end = (model.token_to_id(mark) for mark in (_START, _END))
    if start is None or end is None:
        raise InputError(f"{vocabulary}: must hold {_START} and {_END}")
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in (_START, _END)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{_START} $A {_END}", special_tokens=[(_START, start), (_END, end)]
    )
    return tokenizer


FILE, SETTINGS = "tokenizer.json", "tokenizer_config.json"


class TextTokenizer:
    """A checkpoint's tokenizer.

    Args:
        tokenizer: the library's tokenizer, which adds the start and the end itself.
        context: number of tokens of a text; longer texts are cut and keep their end token.
        pad_token: the token that fills up shorter texts.
        end_token: the token at the end of every text.
        clean: applied to a text before.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        context: int,
        pad_token: int,
        end_token: int,
        clean: Callable[[str], str] = lambda text: text,
    ):
        self.tokenizer, self.context = tokenizer, context
        self.pad_token, self.end_token = pad_token, end_token
        self.clean = clean

    def __call__(self, texts: Sequence[str]) -> Int[np.ndarray, "texts context"]:
        """Tokens of each text, cut or padded to the context."""
        return self.encode(texts)[0]

    def encode(self, texts: Sequence[str]) -> tuple[Int[np.ndarray, "texts context"], int]:
        """Tokens of each text, cut or padded to the context; and how many texts were cut."""
        cut = 0
        tokens = np.full((len(texts), self.context), self.pad_token, np.int32)
        for row, encoding in zip(tokens, self.tokenizer.encode_batch([*map(self.clean, texts)]), strict=True):
            ids = encoding.ids[: self.context]
            if len(encoding.ids) > self.context:
                ids[-1] = self.end_token
                cut += 1
            row[: len(ids)] = ids
        return tokens, cut


def read_tokenizer(
    folder: Path, vocabulary: int, context: int, pad_token: int | str, end_token: int | str
) -> TextTokenizer:
    """Read the tokenizer of a folder: tokenizer.json, or else CLIP's vocab.json and merges.txt.

    Args:
        folder: the folder with the files.
        vocabulary: number of tokens that the model knows.
        context: number of tokens of a text.
        pad_token: the padding token; a name is replaced by the one in tokenizer_config.json, if there is one.
        end_token: the token at the end of every text; likewise.

    Raises:
        InputError: there is no tokenizer, it cannot be read, or it does not fit the model.
    """
    tokenizer = _read(folder)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    highest = max(tokenizer.get_vocab().values(), default=0)
    if highest >= vocabulary:
        raise InputError(f"{folder}: its tokenizer has tokens up to {highest}, the model only {vocabulary} of them")
    settings = read_json(folder / SETTINGS) if (folder / SETTINGS).exists() else {}
    if settings.get("padding_side", "right") != "right":
        raise InputError(f"{folder / SETTINGS}: padding_side must be right, got {settings['padding_side']}")

    def number(token: int | str, setting: str) -> int:
        if isinstance(token, int):
            return token
        said = settings.get(setting) or token
        name = said["content"] if isinstance(said, dict) else said
        found = tokenizer.token_to_id(name)
        if found is None:
            raise InputError(f"{folder}: its tokenizer does not know its {setting} {name!r}")
        return found

    return TextTokenizer(
        tokenizer, context, number(pad_token, "pad_token"), number(end_token, "eos_token"), _cleaning(settings)
    )


def _cleaning(settings: Mapping[str, Any]) -> Callable[[str], str]:
    """The cleaning of texts that a checkpoint's library does before the tokenizer, by the tokenizer's class.

    Cleaning a text twice gives the same as once.
    """
    name = str(settings.get("tokenizer_class")).removesuffix("Fast")
    if name == "SiglipTokenizer":
        return canonical if settings.get("do_lower_case", True) else without_punctuation
    # SigLIP 2 was trained on lower case. Its first files name Gemma's tokenizer, which keeps capitals, and transformers
    # has a class of its own for it since (its pull request 43101).
    return str.lower if name in ("Siglip2Tokenizer", "GemmaTokenizer") else str


def canonical(text: str) -> str:
    """A text as in SigLIP's training: lower case, no ASCII punctuation, single spaces."""
    return without_punctuation(text.lower())


def without_punctuation(text: str) -> str:
    """A text without ASCII punctuation, and with single spaces."""
    return re.sub(r"\s+", " ", text.translate(str.maketrans("", "", string.punctuation))).strip()


def _read(folder: Path) -> Tokenizer:
    path = folder / FILE
    if path.exists():
        try:
            return Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing narrower
            raise InputError(f"{path}: cannot be read as a tokenizer ({error})") from error
    if all((folder / name).exists() for name in BYTE_PAIR_FILES):
        return byte_pairs(folder)
    asked = f"{FILE}, nor {' with '.join(BYTE_PAIR_FILES)}"
    raise InputError(f"{folder}: holds no {asked}; name a folder that does with --tokenizer DIR")
