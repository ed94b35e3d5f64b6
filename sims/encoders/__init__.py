"""The encoders, one a file; `table.py` is where a new one is added."""

from sims.encoders.architecture import IMAGE_ENCODERS, TEXT_ENCODERS, Architecture
from sims.encoders.encoder import Encoder

__all__ = ["IMAGE_ENCODERS", "TEXT_ENCODERS", "Architecture", "Encoder"]
