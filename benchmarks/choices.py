"""`python -m benchmarks.choices`: the measurements behind choices that the code makes.

Which generator of random numbers, how many rows in a block, how many runs in a block of a sweep, in which layout the
gradient's product is computed, and how a ConvNeXt convolves each channel. Alternatives take turns; times are medians of
the rounds.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from benchmarks.work import Sweep
from pretrained.convnext import in_groups, sum_of_shifts
from sims.objectives import OBJECTIVES
from sims.pairwise import blocks
from sims.sweep.grid import CONTINUOUS
from sims.sweep.runs import Program, compiled
from theory.model import Caption, SpuriousModel
from workbench.compilation import jit

_REPEATS = 200  # of what takes less than a millisecond, in one compiled loop
_NUMBERS = 128 * 132  # of a batch of 128 pairs in 64 + 64 dimensions


def _looped(step: Callable[..., Array], *arguments: Array) -> Callable[[], Any]:
    """`_REPEATS` of `step`, given its number and the arguments, in one compiled loop."""

    def loop(*arguments: Array) -> Array:
        return jax.lax.fori_loop(0, _REPEATS, lambda i, sum_: sum_ + jnp.sum(step(i, *arguments)), jnp.zeros(()))

    program = jit(loop)
    return lambda: program(*arguments)


def _generators() -> dict[str, Callable[[], Any]]:
    def draw(step: Array, key: Array) -> Array:
        return jax.random.uniform(jax.random.fold_in(key, step), (_NUMBERS,))

    names = "threefry2x32", "rbg", "unsafe_rbg"
    return {f"{name}, {_NUMBERS} numbers": _looped(draw, jax.random.key(0, impl=name)) for name in names}


def _products() -> dict[str, Callable[[], Any]]:
    """The texts' gradient slope^T images of the sweep's block: 11 batches of 128, width 16."""
    images, slope = (jax.random.normal(jax.random.key(i), (11, 128, width)) for i, width in enumerate((16, 128)))

    def straight(step: Array, images: Array, slope: Array) -> Array:
        return jnp.swapaxes(slope, 1, 2) @ (images + step)

    def turned(step: Array, images: Array, slope: Array) -> Array:
        return jax.lax.optimization_barrier(jnp.swapaxes(images + step, 1, 2)) @ slope

    return {
        "slope^T images": _looped(straight, images, slope),
        "images^T slope": _looped(turned, images, slope),
    }


def _row_blocks() -> dict[str, Callable[[], Any]]:
    images, texts = (jax.random.normal(jax.random.key(i), (8192, 512)) / 22.6 for i in range(2))

    def gradient(block: int) -> Callable[[], Any]:
        loss = jax.grad(lambda images, texts: sum(map(jnp.mean, blocks.logsumexps(images, texts, block))), (0, 1))
        program = jit(loss)
        return lambda: program(images, texts)

    return {f"{block} rows": gradient(block) for block in (128, 256, 512, 1024, 2048)}


def _sweep_blocks() -> dict[str, Callable[[], Any]]:
    """88 runs of 100 steps, as so many blocks of one seed."""
    of, found = Sweep(), {}
    model, caption = SpuriousModel(), Caption()
    sizes = of.dim, of.dim, of.width, of.batch, 100
    program = Program(OBJECTIVES["infonce"], "latent", "linear", "linear", *sizes, ("label",), True)
    start = {"learning_rate": 0.05} | {n: getattr(o, n) for n in CONTINUOUS for o in (model, caption) if hasattr(o, n)}
    for runs in (4, 8, 11, 22, 44, 88):
        values = np.tile(np.array([start[name] for name in CONTINUOUS], np.float32), (runs, 1))
        values[:, CONTINUOUS.index("spurious_ratio")] = np.linspace(0.5, 1.0, runs)
        count = 88 // runs
        arguments = np.zeros(1, np.uint32), np.arange(count)[:, None], np.tile(values, (count, 1, 1))
        function = compiled(program, 1)
        found[f"{runs} runs a block"] = lambda function=function, arguments=arguments: function(*arguments)
    return found


def _depthwise() -> dict[str, Callable[[], Any]]:
    """The features of 16 images in the third stage of a ConvNeXt-Base."""
    features, kernel = (
        jax.random.normal(jax.random.key(i), (*size, 512)) for i, size in enumerate(((16, 14, 14), (7, 7, 1)))
    )

    def convolution(convolve: Callable[[Array, Array], Array]) -> Callable[[], Any]:
        program = jit(convolve)
        return lambda: program(features, kernel)

    return {"convolution in 512 groups": convolution(in_groups), "sum of 49 shifts": convolution(sum_of_shifts)}


def main() -> None:
    """Measure, and print a table in Markdown for each choice."""
    parser = argparse.ArgumentParser("python -m benchmarks.choices", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    for title, alternatives, repeats in (
        ("Generator of random numbers", _generators(), _REPEATS),
        ("Layout of the gradient's product", _products(), _REPEATS),
        ("Rows in a block, batch 8192, width 512", _row_blocks(), 1),
        ("Runs in a block of a sweep, 88 runs x 100 steps on one device", _sweep_blocks(), 1),
        ("Convolution of 7 x 7 of each channel, 16 x 14 x 14 x 512", _depthwise(), 1),
    ):
        taken: dict[str, list[float]] = {name: [] for name in alternatives}
        for number in range(rounds + 1):
            for name, work in alternatives.items():
                began = time.perf_counter()
                jax.block_until_ready(work())
                if number:  # the first round compiles
                    taken[name].append((time.perf_counter() - began) / repeats)
        print(f"| {title} | milliseconds |\n|---|---|")
        for name, seconds in taken.items():
            print(f"| {name} | {1e3 * statistics.median(seconds):.3g} |")
        print()


if __name__ == "__main__":
    main()
