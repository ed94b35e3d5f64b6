"""The encoders; `architecture.py` has them by name."""

from sims.encoders.architecture import Architecture
from sims.encoders.encoder import Encoder

__all__ = ["Architecture", "Encoder"]
