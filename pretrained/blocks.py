"""Blocks in a row, as one compiled loop, however many there are; their weights are stacked, layer by layer."""

from collections.abc import Callable
from typing import Any

import jax
from flax import nnx
from jaxtyping import Array, Float

from pretrained.layers import Shapes


def stack_blocks(create: Callable[[nnx.Rngs], nnx.Module], layers: int, rngs: nnx.Rngs) -> Any:
    """Blocks of one kind as a single module, whose weights have a leading axis for the layers.

    Args:
        create: makes one block.
        layers: number of blocks, at least 1.
        rngs: source of the initial weights, others for each block.
    """
    if isinstance(rngs, Shapes):
        graph, shapes = nnx.split(create(rngs))
        return nnx.merge(graph, jax.tree.map(lambda one: jax.ShapeDtypeStruct((layers, *one.shape), one.dtype), shapes))
    stacked = nnx.split_rngs(splits=layers)(nnx.vmap(create, in_axes=0, out_axes=0))
    return stacked(rngs)


def run_blocks(blocks: Any, x: Array) -> Array:
    """What comes out after all blocks of `stack_blocks`, each of which leaves shape and type as they are."""
    graph, weights = nnx.split(blocks)
    return jax.lax.scan(lambda x, layer: (nnx.merge(graph, layer)(x), None), x, weights)[0]


class Stage(nnx.Module):
    """Blocks in a row of which the first is of its own kind, since it changes the features' shape.

    Args:
        first: the first block.
        create: makes one of the others.
        layers: number of blocks, the first among them.
        rngs: source of the others' initial weights.
    """

    def __init__(self, first: nnx.Module, create: Callable[[nnx.Rngs], nnx.Module], layers: int, rngs: nnx.Rngs):
        self.first: Any = first
        self.rest = stack_blocks(create, layers - 1, rngs) if layers > 1 else None

    def __call__(self, features: Float[Array, "size row column before"]) -> Float[Array, "size _row _column after"]:
        """The features after the stage."""
        features = self.first(features)
        return features if self.rest is None else run_blocks(self.rest, features)
