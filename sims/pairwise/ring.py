"""Sums over all pairs of a batch that is split over devices: the texts go round a ring, the images stay.

Every device holds a shard of the images and one of the texts. It computes the logits of its images with the texts that
are visiting, in blocks of rows (`blocks.py`), and passes the texts on with what has been gathered for them; after one
round they are home. No device ever holds all embeddings, let alone all logits. The backward pass goes round once more,
and the texts' gradient travels with them.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import AbstractMesh, PartitionSpec
from jaxtyping import Array, Float

from sims.pairwise import blocks

AXIS = "batch"  # of the mesh, over which a batch is split

_SPLIT, _WHOLE = PartitionSpec(AXIS), PartitionSpec()


def splitting_mesh() -> AbstractMesh | None:
    """The mesh in use, if it splits batches over more than one device."""
    mesh = jax.sharding.get_abstract_mesh()
    return mesh if mesh.shape.get(AXIS, 1) > 1 else None


def _round(step: Callable[[Any, Any], tuple[Any, Any]], visiting: Any, staying: Any, devices: int) -> tuple[Any, Any]:
    """Apply `step` to what visits and what stays, once for each device, and pass on what visits; it ends at home."""
    neighbours = [(device, (device + 1) % devices) for device in range(devices)]

    def pass_on(carry: tuple[Any, Any], _: None) -> tuple[tuple[Any, Any], None]:
        visiting, staying = step(*carry)
        return (jax.tree.map(lambda part: jax.lax.ppermute(part, AXIS, neighbours), visiting), staying), None

    return jax.lax.scan(pass_on, (visiting, staying), None, length=devices)[0]


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def logsumexps(
    images: Float[Array, "size embed"], texts: Float[Array, "size embed"], mesh: AbstractMesh
) -> tuple[Float[Array, " size"], Float[Array, " size"]]:
    """`pairwise.both_logsumexps` of a batch that the mesh's axis `AXIS` splits evenly."""
    return _forward(images, texts, mesh)[0]


def _forward(images: Array, texts: Array, mesh: AbstractMesh) -> tuple[tuple[Array, Array], tuple[Array, ...]]:
    def shard(images: Array, texts: Array) -> tuple[Array, Array]:
        def step(visiting: tuple[Array, Array], rows: Array) -> tuple[tuple[Array, Array], Array]:
            texts, columns = visiting
            of_rows, of_columns = blocks.logsumexps(images, texts, blocks.BLOCK)
            return (texts, jnp.logaddexp(columns, of_columns)), jnp.logaddexp(rows, of_rows)

        empty = jnp.full_like(images[:, 0], -jnp.inf)
        (_, columns), rows = _round(step, (texts, empty), empty, mesh.shape[AXIS])
        return rows, columns

    found = jax.shard_map(shard, mesh=mesh, in_specs=_SPLIT, out_specs=_SPLIT, check_vma=False)(images, texts)
    return found, (images, texts, *found)


def _backward(mesh: AbstractMesh, saved: tuple[Array, ...], given: tuple[Array, Array]) -> tuple[Array, Array]:
    def shard(images: Array, texts: Array, rows: Array, columns: Array, *given: Array) -> tuple[Array, Array]:
        def step(visiting: tuple[Array, ...], of_images: Array) -> tuple[tuple[Array, ...], Array]:
            texts, columns, of_columns, of_texts = visiting
            saved = images, texts, rows, columns
            more = blocks.logsumexps_gradient(blocks.BLOCK, saved, (given[0], of_columns))
            return (texts, columns, of_columns, of_texts + more[1]), of_images + more[0]

        start = texts, columns, given[1], jnp.zeros_like(texts)
        (*_, of_texts), of_images = _round(step, start, jnp.zeros_like(images), mesh.shape[AXIS])
        return of_images, of_texts

    return jax.shard_map(shard, mesh=mesh, in_specs=_SPLIT, out_specs=_SPLIT, check_vma=False)(*saved, *given)


logsumexps.defvjp(_forward, _backward)


@functools.partial(jax.custom_vjp, nondiff_argnums=(3,))
def softplus_sum(
    images: Float[Array, "size embed"], texts: Float[Array, "size embed"], bias: Float[Array, ""], mesh: AbstractMesh
) -> Float[Array, ""]:
    """`pairwise.softplus_sum` of a batch that the mesh's axis `AXIS` splits evenly."""

    def shard(images: Array, texts: Array, bias: Array) -> Array:
        def step(texts: Array, total: Array) -> tuple[Array, Array]:
            return texts, total + blocks.softplus_sum(images, texts, bias, blocks.BLOCK)

        return jax.lax.psum(_round(step, texts, jnp.zeros_like(bias), mesh.shape[AXIS])[1], AXIS)

    specs = _SPLIT, _SPLIT, _WHOLE
    return jax.shard_map(shard, mesh=mesh, in_specs=specs, out_specs=_WHOLE, check_vma=False)(images, texts, bias)


def _softplus_forward(
    images: Array, texts: Array, bias: Array, mesh: AbstractMesh
) -> tuple[Array, tuple[Array, Array, Array]]:
    return softplus_sum(images, texts, bias, mesh), (images, texts, bias)


def _softplus_backward(
    mesh: AbstractMesh, saved: tuple[Array, Array, Array], given: Array
) -> tuple[Array, Array, Array]:
    def shard(images: Array, texts: Array, bias: Array, given: Array) -> tuple[Array, Array, Array]:
        def step(visiting: tuple[Array, Array], staying: tuple[Array, Array]) -> tuple[Any, Any]:
            texts, of_texts = visiting
            more = blocks.softplus_gradient(blocks.BLOCK, (images, texts, bias), given)
            return (texts, of_texts + more[1]), (staying[0] + more[0], staying[1] + more[2])

        visiting, staying = (texts, jnp.zeros_like(texts)), (jnp.zeros_like(images), jnp.zeros_like(bias))
        (_, of_texts), (of_images, of_bias) = _round(step, visiting, staying, mesh.shape[AXIS])
        return of_images, of_texts, jax.lax.psum(of_bias, AXIS)

    specs = (_SPLIT, _SPLIT, _WHOLE, _WHOLE), (_SPLIT, _SPLIT, _WHOLE)
    return jax.shard_map(shard, mesh=mesh, in_specs=specs[0], out_specs=specs[1], check_vma=False)(*saved, given)


softplus_sum.defvjp(_softplus_forward, _softplus_backward)
