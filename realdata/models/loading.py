"""How a model is loaded."""

from pathlib import Path
from typing import Literal, NamedTuple

from pretrained.overrides import Overrides

FloatType = Literal["float32", "bfloat16"]


class Loading(NamedTuple):
    """How a model is loaded.

    Attributes:
        dtype: floating-point type of weights and computation.
        overrides: settings that replace those of a CLIP's own configuration.
        tokenizer: a folder with another tokenizer.
        allow_pickle: whether to read weights from pickled files, with a reader that runs no code.
        both_activations: whether to run a CLIP with GELU and with QuickGELU; see `realdata.models.clip`.
    """

    dtype: FloatType = "float32"
    overrides: Overrides = Overrides()
    tokenizer: Path | None = None
    allow_pickle: bool = False
    both_activations: bool = False
