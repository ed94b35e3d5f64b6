"""Photos' bytes to what an image tower reads."""

import jax.numpy as jnp
from jaxtyping import Array, Float, UInt8

from pretrained.preprocessing import Preprocessing


def prepare(photos: UInt8[Array, "size side side 3"], preprocessing: Preprocessing) -> Float[Array, "size side side 3"]:
    """Channels from 0 to 1, less the mean, over the deviation, in single precision; on the device, jitted or not."""
    mean, deviation = (jnp.asarray(part, jnp.float32) for part in (preprocessing.mean, preprocessing.deviation))
    return (photos.astype(jnp.float32) / 255.0 - mean[None, None, None]) / deviation[None, None, None]
