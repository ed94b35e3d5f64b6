"""Load a checkpoint from a folder, in any of the formats; and which of its files that needs."""

import dataclasses
import re
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from pretrained import huggingface, openclip, tokenizer
from pretrained.checkpoint import Checkpoint
from pretrained.overrides import Overrides
from pretrained.tokenizer import read_tokenizer
from pretrained.weights import DTYPES, open_tensors, read_model
from workbench.errors import InputError, ParameterError

# In order of preference; of two formats, the one whose weights cannot run code.
_SAFE = (
    (openclip.CONFIG, "open_clip_model.safetensors"),
    (openclip.CONFIG, "open_clip_pytorch_model.safetensors"),
    (huggingface.CONFIG, "model.safetensors"),
    (openclip.CONFIG, "model.safetensors"),
)
_PICKLED = ((openclip.CONFIG, "open_clip_pytorch_model.bin"), (huggingface.CONFIG, "pytorch_model.bin"))
_OTHERS = (tokenizer.FILE, tokenizer.SETTINGS, *tokenizer.BYTE_PAIR_FILES, *huggingface.NAMES)


class Files(NamedTuple):
    """The files of a checkpoint.

    Attributes:
        config: the file of its configuration; its name tells the format.
        weights: the file of its weights, or the index of several files.
    """

    config: str
    weights: str


def choose(names: Collection[str], where: object, allow_pickle: bool) -> Files:
    """Choose the files of a checkpoint that are read.

    Args:
        names: the names of all files.
        where: the folder or repository, for messages.
        allow_pickle: whether pickled weights may be read too.

    Raises:
        InputError: a file is missing, or the weights are pickled and that is not allowed.
    """
    configs = [name for name in (openclip.CONFIG, huggingface.CONFIG) if name in names]
    if not configs:
        raise InputError(f"{where}: no such checkpoint: holds neither {openclip.CONFIG} nor {huggingface.CONFIG}")
    safe, pickled = (_present(kinds, names) for kinds in (_SAFE, _PICKLED))
    if found := safe or (pickled if allow_pickle else []):
        return found[0]
    if pickled:
        raise InputError(
            f"{where}: holds only pickled weights, {pickled[0].weights}, a format that can run code; --allow-pickle "
            "reads them without running any, by torch"
        )
    wanted = next(weights for config, weights in _SAFE if config == configs[0])
    raise InputError(f"{where}: {wanted}: no such file, and no other weights that can be read")


def needed_files(names: Collection[str], where: object, allow_pickle: bool) -> list[str]:
    """All files that a checkpoint needs; arguments as in `choose`.

    Raises:
        InputError: as in `choose`.
    """
    chosen = choose(names, where, allow_pickle)
    stem, _, ending = chosen.weights.removesuffix(".index.json").rpartition(".")
    shard = re.compile(rf"{re.escape(stem)}-\d+-of-\d+\.{ending}")
    shards = [name for name in names if shard.fullmatch(name)] if chosen.weights.endswith(".index.json") else []
    return [*chosen, *sorted(shards), *(name for name in _OTHERS if name in names)]


def _present(kinds: Collection[tuple[str, str]], names: Collection[str]) -> list[Files]:
    return [
        Files(config, weights)
        for config, plain in kinds
        for weights in (plain, f"{plain}.index.json")
        if config in names and weights in names
    ]


def load(
    folder: Path,
    tokenizer: Path | None = None,
    overrides: Overrides | None = None,
    dtype: str = "float32",
    allow_pickle: bool = False,
) -> Checkpoint:
    """Read a checkpoint in Hugging Face's or OpenCLIP's format, without running code from it.

    Args:
        folder: the folder with its files.
        tokenizer: another folder with the tokenizer's files, if any.
        overrides: settings that replace those of the files.
        dtype: type of weights and computation, `float32` or `bfloat16`; layer norms and the embeddings' lengths are
            always computed in single precision.
        allow_pickle: whether to read pickled weights if there are no others.

    Raises:
        InputError: a file is missing, does not describe a CLIP or SigLIP, or holds other weights than its configuration
            says.
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
