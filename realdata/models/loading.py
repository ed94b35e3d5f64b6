"""How a model is loaded."""

from pathlib import Path
from typing import Literal, NamedTuple

from pretrained.config import Overrides

FloatType = Literal["float32", "bfloat16"]


class Loading(NamedTuple):
    """How a model is loaded.

    Attributes:
        dtype: of weights and computation.
        overrides: in place of what a CLIP's own configuration says.
        tokenizer: a folder with another tokenizer.
        allow_pickle: whether weights in pickled files are read, by a reader that runs no code in them.
    """

    dtype: FloatType = "float32"
    overrides: Overrides = Overrides()
    tokenizer: Path | None = None
    allow_pickle: bool = False
