"""Which of the files beside each other are a checkpoint that can be read."""

import re
from collections.abc import Collection
from typing import NamedTuple

from pretrained import byte_pairs, huggingface, huggingface_preprocessing, openclip, tokenizer
from workbench.errors import InputError

# In the order in which they are looked for; where there are both formats, one whose weights cannot run code.
_SAFE = (
    (openclip.CONFIG, "open_clip_model.safetensors"),
    (openclip.CONFIG, "open_clip_pytorch_model.safetensors"),
    (huggingface.CONFIG, "model.safetensors"),
    (openclip.CONFIG, "model.safetensors"),
)
_PICKLED = ((openclip.CONFIG, "open_clip_pytorch_model.bin"), (huggingface.CONFIG, "pytorch_model.bin"))
_OTHERS = (tokenizer.FILE, tokenizer.SETTINGS, *byte_pairs.FILES, *huggingface_preprocessing.NAMES)


class Files(NamedTuple):
    """The files of a checkpoint.

    Attributes:
        config: its configuration, whose name says the format.
        weights: the file of its weights, or the index of several.
    """

    config: str
    weights: str


def choose(names: Collection[str], where: object, allow_pickle: bool) -> Files:
    """The files of the checkpoint that is read.

    Args:
        names: of all files.
        where: they are, for messages.
        allow_pickle: whether pickled weights are read too.

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


def needed(names: Collection[str], where: object, allow_pickle: bool) -> list[str]:
    """All files that are read of such a checkpoint.

    Raises:
        InputError: as `choose`.
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
