"""How a training is laid over all devices: the runs first, and the batch of a run over what is left."""

import contextlib
import math
import os
from contextlib import AbstractContextManager
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from sims.pairwise import ring
from sims.training.config import ContrastiveConfig
from workbench.errors import ParameterError

RUNS = "runs"  # the mesh's other axis is `ring.AXIS`


def every_core_a_device() -> None:
    """Make every core a device where there is no accelerator; where JAX is in use already, its devices stay."""
    with contextlib.suppress(RuntimeError):
        jax.config.update("jax_num_cpu_devices", len(os.sched_getaffinity(0)))


def training_mesh(config: ContrastiveConfig) -> Mesh | None:
    """The mesh (runs, batch) of all devices; None where there is one device, which needs none.

    As many devices as divide the runs evenly take runs of their own, since those need not talk to each other; within
    each such part, the batch is split.

    Raises:
        ParameterError: the batch cannot be split evenly.
    """
    devices = jax.devices()
    if len(devices) == 1:
        return None
    over_runs = math.gcd(config.seeds, len(devices))
    over_batch = len(devices) // over_runs
    if config.batch_size % over_batch:
        allowed = f"a multiple of {over_batch}: so many devices share each of the {config.seeds} runs (`seeds`)"
        raise ParameterError("batch_size", allowed, config.batch_size)
    return Mesh(np.array(devices).reshape(over_runs, over_batch), (RUNS, ring.AXIS), axis_types=(AxisType.Auto,) * 2)


def using(mesh: Mesh | None) -> AbstractContextManager[Any]:
    """Within it, programs are compiled for the mesh."""
    return contextlib.nullcontext() if mesh is None else jax.set_mesh(mesh)


def shardings(mesh: Mesh | None, *outputs: Any) -> dict[str, Any]:
    """Options of `jit` that place each output: `RUNS` split by run, None on every device; without a mesh, none.

    Args:
        mesh: of the devices.
        outputs: a name of the mesh's axes, or None, for each output of the function.
    """
    if mesh is None:
        return {}
    places = tuple(NamedSharding(mesh, PartitionSpec(output) if output else PartitionSpec()) for output in outputs)
    return {"out_shardings": places if len(places) > 1 else places[0]}


def on_every_device(mesh: Mesh | None, number: int) -> jax.Array:
    """A whole number, explicitly put on the devices."""
    if mesh is None:
        return jax.device_put(np.int32(number))
    return jax.make_array_from_callback((), NamedSharding(mesh, PartitionSpec()), lambda _: np.int32(number))


def split_batch(batch: Any) -> Any:
    """A batch of one run, split by pair if the mesh in use splits batches."""
    if ring.splitting_mesh() is None:
        return batch
    return jax.tree.map(lambda part: jax.lax.with_sharding_constraint(part, PartitionSpec(ring.AXIS)), batch)
