"""What a format says of a checkpoint, before its weights are read."""

from collections.abc import Callable, Collection
from typing import NamedTuple

from pretrained.config import CLIPConfig, SigLIPConfig
from pretrained.keys import Entry
from pretrained.preprocessing import Preprocessing


class Layout(NamedTuple):
    """What a format says of a checkpoint.

    Attributes:
        format: its name.
        config: the sizes.
        preprocessing: of photos.
        entries: from the keys in the weights' files, where each weight of the model stands.
        ignored: keys that are no weights.
        pad_token: what fills texts up; a name where the tokenizer's own files may say another.
        end_token: what texts end with; the same.
    """

    format: str
    config: CLIPConfig | SigLIPConfig
    preprocessing: Preprocessing
    entries: Callable[[Collection[str]], list[Entry]]
    ignored: tuple[str, ...]
    pad_token: int | str
    end_token: int | str
