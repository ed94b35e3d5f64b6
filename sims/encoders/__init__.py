"""The encoders, one a file; `table.py` is where a new one is added."""

from sims.encoders.architecture import Architecture
from sims.encoders.encoder import Encoder
from sims.encoders.table import IMAGE_ENCODERS, TEXT_ENCODERS

__all__ = ["IMAGE_ENCODERS", "TEXT_ENCODERS", "Architecture", "Encoder"]
