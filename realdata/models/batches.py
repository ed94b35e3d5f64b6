"""Photos for a model in JAX: batches of one shape, split over this process's devices."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec


class Batches:
    """The devices of this process, and the size of the largest batch so far."""

    def __init__(self) -> None:
        mesh = Mesh(np.array(jax.local_devices()), ("photos",), axis_types=(AxisType.Auto,))
        self._everywhere, self._split = (NamedSharding(mesh, PartitionSpec(*axes)) for axes in ((), ("photos",)))
        self._size = 0

    @property
    def devices(self) -> int:
        """How many devices share each batch."""
        return self._split.num_devices

    def keep(self, values: Any) -> Any:
        """Arrays, such as weights, on every device."""
        return jax.device_put(values, self._everywhere)

    def batch(self, images: Sequence[np.ndarray]) -> jax.Array:
        """Photos of one size, and empty ones after them: a smaller last batch has the shape of the others.

        So it is not compiled again. The number of photos is a multiple of the devices.
        """
        self._size = max(self._size, -(-len(images) // self.devices) * self.devices)
        padded = np.zeros((self._size, *images[0].shape), np.uint8)
        np.stack(images, out=padded[: len(images)])
        return jax.device_put(padded, self._split)
