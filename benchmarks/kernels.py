"""`python -m benchmarks.kernels`: each kernel's arithmetic, its bytes, and its share of the machine's measured peak.

What is measured is the gradient, as training computes it. Arithmetic counts the matrix products alone (2 m n k each).
Bytes are XLA's own count for the compiled kernel: what its operations read and write, from whatever memory that comes;
a kernel in blocks is counted for one block, times the blocks. The peak is a large matrix product, measured in turns
with the kernels; every time is the median of the rounds.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from sims.pairwise import blocks
from sims.pairwise.blocks import BLOCK
from sims.synthetic.sampler import sample_bases, sample_batch
from theory.model import SpuriousModel
from workbench.compilation import jit

_PEAK = 4096  # side of the product that the peak is measured with


class Kernel(NamedTuple):
    """A kernel to measure.

    Attributes:
        name: in the table.
        products: matrix products of size^2 x width, or None if there are none.
        size: of the batch.
        width: of the embedding.
        function: what is compiled.
        arguments: shapes of its arguments.
        part: the same for one block, and how many blocks there are.
    """

    name: str
    products: int | None
    size: int
    width: int
    function: Callable[..., Any]
    arguments: list[tuple[int, ...]]
    part: tuple[Callable[..., Any], list[tuple[int, ...]], int] | None = None


def _mean_of(logsumexps: Callable[..., tuple[Array, Array]]) -> Callable[..., Array]:
    return lambda images, texts: sum(jnp.mean(part) for part in logsumexps(images, texts)) / 2.0


def _in_blocks(images: Array, texts: Array) -> tuple[Array, Array]:
    return blocks.logsumexps(images, texts, BLOCK)


def _softplus(images: Array, texts: Array) -> Array:
    return jnp.sum(jax.nn.softplus(images @ texts.T - 10.0)) / images.shape[0]


def _softplus_in_blocks(images: Array, texts: Array) -> Array:
    return blocks.softplus_sum(images, texts, jnp.asarray(-10.0), BLOCK) / images.shape[0]


def _kernels() -> list[Kernel]:
    found = []
    for size, width in ((4096, 64), (4096, 512), (16384, 512)):
        both, one = [(size, width)] * 2, [(BLOCK, width), (size, width)]
        # In blocks InfoNCE computes its logits twice; SigLIP's gradient needs them once, since it needs no sum.
        for name, in_full, in_blocks, products in (
            ("InfoNCE", _mean_of(blocks.dense_logsumexps), _mean_of(_in_blocks), 4),
            ("SigLIP", _softplus, _softplus_in_blocks, 3),
        ):
            if size == 4096:
                found.append(Kernel(f"{name}, dense", 3, size, width, jax.grad(in_full, (0, 1)), both))
            gradient = jax.grad(in_blocks, (0, 1))
            found.append(
                Kernel(f"{name}, blocks", products, size, width, gradient, both, (gradient, one, size // BLOCK))
            )
    for size, dim in ((128, 64), (16384, 512)):
        bases = sample_bases(jax.random.key(0), dim, dim)
        model = SpuriousModel(image_dim=dim, text_dim=dim)

        def sample(seed: Array, bases: Any = bases, model: SpuriousModel = model, size: int = size) -> Any:
            return sample_batch(jax.random.key(seed[0].astype(int)), model, bases, size)

        found.append(Kernel("a batch drawn", None, size, dim, sample, [(1,)]))
    return found


def _compiled(function: Callable[..., Any], shapes: list[tuple[int, ...]]) -> tuple[Any, list[Array], float]:
    keys = jax.random.split(jax.random.key(1), len(shapes))
    arguments = [jax.random.normal(key, shape) for key, shape in zip(keys, shapes, strict=True)]
    program = jit(function).lower(*arguments).compile()
    return program, arguments, float(program.cost_analysis()["bytes accessed"])


def _seconds(program: Any, arguments: list[Array]) -> float:
    began = time.perf_counter()
    jax.block_until_ready(program(*arguments))
    return time.perf_counter() - began


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser("python -m benchmarks.kernels", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    peak = _compiled(lambda a, b: a @ b, [(_PEAK, _PEAK)] * 2)
    rows, peaks = [], []
    for kernel in _kernels():
        program, arguments, read = _compiled(kernel.function, kernel.arguments)
        if kernel.part is not None:
            function, shapes, count = kernel.part
            read = count * _compiled(function, shapes)[2]
        _seconds(program, arguments), _seconds(*peak[:2])
        taken = []
        for _ in range(rounds):
            peaks.append(2 * _PEAK**3 / _seconds(*peak[:2]))
            taken.append(_seconds(program, arguments))
        rows.append((kernel, read, statistics.median(taken)))
    best = statistics.median(peaks)
    print(f"Peak: {best / 1e9:.0f} GFLOP/s on {jax.devices()[0].device_kind}, product of two {_PEAK} x {_PEAK}.\n")
    print(
        "| kernel | batch | width | GFLOP | GB | seconds | GFLOP/s | share of peak |\n|---|---|---|---|---|---|---|---|"
    )
    for kernel, read, seconds in rows:
        flops = 2.0 * (kernel.products or 0) * kernel.size**2 * kernel.width
        rate = [f"{flops / 1e9:.1f}", f"{flops / seconds / 1e9:.0f}", f"{flops / seconds / best:.0%}"]
        work, speed, share = rate if kernel.products else ["", "", ""]
        cells = [kernel.name, kernel.size, kernel.width, work, f"{read / 1e9:.3f}", f"{seconds:.4f}", speed, share]
        print(f"| {' | '.join(map(str, cells))} |")


if __name__ == "__main__":
    main()
