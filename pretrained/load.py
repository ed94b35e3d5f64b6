"""A checkpoint's folder, in whichever format it is."""

import dataclasses
from pathlib import Path

from pretrained import huggingface, openclip
from pretrained.checkpoint import Checkpoint
from pretrained.checkpoint_files import choose
from pretrained.overrides import Overrides
from pretrained.tensors import open_tensors
from pretrained.tokenizer import read_tokenizer
from pretrained.weights import DTYPES, read_model
from workbench.errors import InputError, ParameterError


def load(
    folder: Path,
    tokenizer: Path | None = None,
    overrides: Overrides | None = None,
    dtype: str = "float32",
    allow_pickle: bool = False,
) -> Checkpoint:
    """Read a checkpoint in Hugging Face's or OpenCLIP's format; nothing in it is run.

    Args:
        folder: that holds it.
        tokenizer: folder of the tokenizer's files, where it is another.
        overrides: what is used instead of what the files say.
        dtype: of the weights and the computation, `float32` or `bfloat16`; layer norms and the embeddings' lengths are
            computed in single precision.
        allow_pickle: whether pickled weights are read, where there are no others.

    Raises:
        InputError: a file is missing, is no CLIP's or SigLIP's, or holds other weights than its configuration says.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no directory; give the folder of a downloaded checkpoint")
    if tokenizer is not None and not tokenizer.is_dir():
        raise ParameterError(
            "tokenizer", "the folder of a downloaded checkpoint", f"{tokenizer}, which is no directory"
        )
    if dtype not in DTYPES:
        raise ParameterError("dtype", f"among {', '.join(DTYPES)}", dtype)
    overrides = overrides or Overrides()
    files = choose({path.name for path in folder.iterdir()}, folder, allow_pickle)
    layout = openclip.read(folder) if files.config == openclip.CONFIG else huggingface.read(folder)
    used = overrides.config(layout.config)
    text = used.text
    words = read_tokenizer(tokenizer or folder, text.vocabulary, text.context, layout.pad_token, layout.end_token)
    used = dataclasses.replace(used, text=dataclasses.replace(text, end_token=words.end_token))
    tensors = open_tensors(folder / files.weights)
    model = read_model(tensors, layout.config, used, layout.entries(tensors.shapes), layout.ignored, dtype)
    preprocessing = overrides.preprocessing(layout.preprocessing)
    return Checkpoint(model, used, preprocessing, words, layout.format, dtype, overrides.names)
