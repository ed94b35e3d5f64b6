"""The encoders; `architecture.py` has their names."""

from sims.encoders.architecture import IMAGE_ENCODERS, TEXT_ENCODERS, Architecture
from sims.encoders.encoder import Encoder

__all__ = ["IMAGE_ENCODERS", "TEXT_ENCODERS", "Architecture", "Encoder"]
