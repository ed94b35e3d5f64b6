"""Pictures cut into patches."""

from jaxtyping import Array, Float


def cut(pictures: Float[Array, "size side side 3"], patch: int) -> Float[Array, "size patches values"]:
    """The patches of pictures, row by row; what fills no patch is left out, as a convolution leaves it out."""
    size, side, _, channels = pictures.shape
    grid = side // patch
    whole = pictures[:, : grid * patch, : grid * patch]
    parts = whole.reshape(size, grid, patch, grid, patch, channels).transpose(0, 1, 3, 2, 4, 5)
    return parts.reshape(size, grid * grid, -1)
