"""Texts to tokens, by the checkpoint's own files."""

import re
import string
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int
from tokenizers import Tokenizer

from pretrained import byte_pairs
from pretrained.json_file import read_json
from workbench.errors import InputError

FILE, SETTINGS = "tokenizer.json", "tokenizer_config.json"


class TextTokenizer:
    """A checkpoint's tokenizer.

    Args:
        tokenizer: adds the start and the end itself.
        context: number of tokens of a text; longer ones are cut, their end kept.
        pad_token: what fills shorter ones up.
        end_token: what every text ends with.
        clean: what is done to a text before.
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
        """Tokens of each text, cut and filled up to the context."""
        tokens = np.full((len(texts), self.context), self.pad_token, np.int32)
        for row, encoding in zip(tokens, self.tokenizer.encode_batch([*map(self.clean, texts)]), strict=True):
            ids = encoding.ids[: self.context]
            if len(encoding.ids) > self.context:
                ids[-1] = self.end_token
            row[: len(ids)] = ids
        return tokens


def read_tokenizer(
    folder: Path, vocabulary: int, context: int, pad_token: int | str, end_token: int | str
) -> TextTokenizer:
    """The tokenizer of a folder: tokenizer.json, or else CLIP's vocab.json and merges.txt.

    Args:
        folder: that holds the files.
        vocabulary: number of tokens that the model knows.
        context: number of tokens of a text.
        pad_token: what fills texts up; a name gives way to the one in tokenizer_config.json.
        end_token: what every text ends with; the same.

    Raises:
        InputError: there is none, it cannot be read, or it is not the model's.
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

    # A SiglipTokenizer does this outside of the library whose files are read here; done twice, it changes nothing.
    clean = {"clean": canonical} if settings.get("tokenizer_class") == "SiglipTokenizer" else {}
    return TextTokenizer(tokenizer, context, number(pad_token, "pad_token"), number(end_token, "eos_token"), **clean)


def canonical(text: str) -> str:
    """A text as SigLIP was trained to read it: lower case, no ASCII punctuation, single spaces."""
    plain = text.lower().translate(str.maketrans("", "", string.punctuation))
    return re.sub(r"\s+", " ", plain).strip()


def _read(folder: Path) -> Tokenizer:
    path = folder / FILE
    if path.exists():
        try:
            return Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing narrower
            raise InputError(f"{path}: cannot be read as a tokenizer ({error})") from error
    if all((folder / name).exists() for name in byte_pairs.FILES):
        return byte_pairs.byte_pairs(folder)
    asked = f"{FILE}, nor {' with '.join(byte_pairs.FILES)}"
    raise InputError(f"{folder}: holds no {asked}; name a folder that does with --tokenizer DIR")
