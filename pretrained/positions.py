"""Position embeddings of an image tower for pictures of another size."""

import jax
import numpy as np
from jaxtyping import Shaped


def resize(
    positions: Shaped[np.ndarray, "positions width"], own: int, wanted: int
) -> Shaped[np.ndarray, "resized width"]:
    """The positions of a grid resized bicubically, with antialiasing, as OpenCLIP does; a class token's stays.

    Args:
        positions: of the class token, where there is one, and of the patches row by row.
        own: patches along a side.
        wanted: patches along a side of the other size.
    """
    before, patches = np.split(positions, [len(positions) - own**2])
    grid = patches.astype(np.float32).reshape(own, own, -1)
    resized = np.asarray(jax.image.resize(grid, (wanted, wanted, grid.shape[-1]), "cubic", antialias=True))
    return np.concatenate([before, resized.reshape(wanted**2, -1).astype(positions.dtype)])
