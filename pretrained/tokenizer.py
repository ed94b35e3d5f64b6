"""Texts to tokens, by the checkpoint's own files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int
from tokenizers import Tokenizer

from workbench.errors import InputError


class TextTokenizer:
    """A checkpoint's tokenizer.

    Args:
        tokenizer: adds the start and the end itself.
        context: number of tokens of a text; longer ones are cut, their end kept.
        pad_token: what fills shorter ones up.
        end_token: what every text ends with.
    """

    def __init__(self, tokenizer: Tokenizer, context: int, pad_token: int, end_token: int):
        self.tokenizer, self.context = tokenizer, context
        self.pad_token, self.end_token = pad_token, end_token

    def __call__(self, texts: Sequence[str]) -> Int[np.ndarray, "texts context"]:
        """Tokens of each text, cut and filled up to the context."""
        tokens = np.full((len(texts), self.context), self.pad_token, np.int32)
        for row, encoding in zip(tokens, self.tokenizer.encode_batch(list(texts)), strict=True):
            ids = encoding.ids[: self.context]
            if len(encoding.ids) > self.context:
                ids[-1] = self.end_token
            row[: len(ids)] = ids
        return tokens


def read_tokenizer(folder: Path, context: int, pad_token: int, end_token: int) -> TextTokenizer:
    """The tokenizer of a checkpoint's folder.

    Raises:
        InputError: there is none, or it cannot be read.
    """
    path = folder / "tokenizer.json"
    if not path.exists():
        raise InputError(f"{folder}: holds no tokenizer.json")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise InputError(f"{path}: cannot be read as a tokenizer ({error})") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return TextTokenizer(tokenizer, context, pad_token, end_token)
