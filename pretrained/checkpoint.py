"""A pre-trained CLIP with what belongs to it."""

from typing import NamedTuple

from pretrained.clip import CLIP
from pretrained.config import CLIPConfig
from pretrained.preprocessing import Preprocessing
from pretrained.tokenizer import TextTokenizer


class Checkpoint(NamedTuple):
    """A pre-trained CLIP with what belongs to it."""

    model: CLIP
    config: CLIPConfig
    preprocessing: Preprocessing
    tokenizer: TextTokenizer
