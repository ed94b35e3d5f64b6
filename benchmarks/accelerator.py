"""`python -m benchmarks.accelerator`: the programs and CLIP's image towers on one GPU or TPU.

Three parts, each in processes of their own. `programs`: the main job and the sweep, cold (nothing compiled before) and
again. `large`: the largest batch of pairs that a training step holds, of 65,536 and its fourfolds. A tower's name: the
images a second with random weights in bfloat16, and the share of the measured peak that its matrix products reach.
What is measured is kept after each part.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from benchmarks.compare import seconds_of_sweep
from benchmarks.work import Large, Sweep, large_options, sweep_options
from pretrained.clip import VisionTower
from pretrained.config import TransformerConfig, VisionConfig
from workbench import results
from workbench.compilation import jit

_PEAK = 8192  # side of the product that the peak is measured with


class Tower(NamedTuple):
    """An image tower: pixels, side of a patch, width, blocks, heads, hidden width, embedding, photos at a time."""

    image_size: int
    patch_size: int
    width: int
    layers: int
    heads: int
    hidden: int
    embed_dim: int
    batch: int


TOWERS = {
    "ViT-B/32": Tower(224, 32, 768, 12, 12, 3072, 512, 1024),
    "ViT-L/14": Tower(224, 14, 1024, 24, 16, 4096, 768, 256),
    "ViT-bigG/14": Tower(224, 14, 1664, 48, 16, 8192, 1280, 128),
}


def products(tower: Tower) -> float:
    """Floating-point operations of the matrix products for one photo, the last block for the class token alone."""
    tokens = (tower.image_size // tower.patch_size) ** 2 + 1
    width, hidden = tower.width, tower.hidden

    def block(asking: int) -> int:
        keys_and_values = 2 * tokens * width**2
        of_each = 2 * width**2 + 2 * width * hidden  # queries, attention's output and the two layers
        return keys_and_values + asking * of_each + 2 * asking * tokens * width

    patches = (tokens - 1) * 3 * tower.patch_size**2 * width
    return 2.0 * (patches + (tower.layers - 1) * block(tokens) + block(1) + width * tower.embed_dim)


def _times(program: Any, arguments: list[Any], rounds: int) -> float:
    jax.block_until_ready(program(*arguments))
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        # Three in a row, so that the device does not wait for this process.
        jax.block_until_ready([program(*arguments) for _ in range(3)])
        taken.append((time.perf_counter() - began) / 3)
    return statistics.median(taken)


def measure_tower(name: str, rounds: int) -> dict[str, Any]:
    """Images a second of a tower with random weights, and of the peak."""
    tower = TOWERS[name]
    blocks = TransformerConfig(tower.width, tower.layers, tower.heads, tower.hidden, "gelu")
    config = VisionConfig(blocks, tower.image_size, tower.patch_size)

    @jit
    def create() -> Any:
        state = nnx.state(VisionTower(config, tower.embed_dim, nnx.Rngs(0)))
        return jax.tree.map(lambda weight: weight.astype(jnp.bfloat16) if weight.ndim else weight, state)

    graph = nnx.graphdef(nnx.eval_shape(lambda: VisionTower(config, tower.embed_dim, nnx.Rngs(0))))
    photos = jax.random.normal(jax.random.key(0), (tower.batch, tower.image_size, tower.image_size, 3))
    embed = jit(lambda weights, photos: nnx.merge(graph, weights)(photos))
    square = jax.random.normal(jax.random.key(1), (_PEAK, _PEAK), jnp.bfloat16)
    peak = 2.0 * _PEAK**3 / _times(jit(jnp.matmul), [square, square], rounds)
    seconds = _times(embed, [create(), photos], rounds)
    rate = tower.batch / seconds
    return {"photos": tower.batch, "a_second": rate, "flops": rate * products(tower), "peak": peak}


def _run(module: str, *arguments: str, cache: Path | None = None) -> tuple[float, str]:
    """Seconds of a whole program, and what it printed; empty where it failed."""
    environment = os.environ | ({"JAX_COMPILATION_CACHE_DIR": str(cache)} if cache else {})
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", module, *arguments, "--out", out]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
    return time.perf_counter() - began, done.stdout if done.returncode == 0 else ""


def measure_programs() -> dict[str, Any]:
    """Seconds of the main job and of the sweep, cold and again."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        for when in ("cold", "again"):
            whole, output = _run("sims.contrastive", "--spurious-ratio", "0.9", "--json", "-", cache=cache)
            found[f"main job, {when}"] = {"whole": whole, **(json.loads(output)["seconds"] if output else {})}
            print(found, file=sys.stderr)
        shutil.rmtree(cache, ignore_errors=True)
        for when in ("cold", "again"):
            whole, output = _run("sims.sweep", *sweep_options(Sweep()).split(), cache=cache)
            found[f"sweep, {when}"] = {"whole": whole, **(seconds_of_sweep(output) if output else {})}
            print(found, file=sys.stderr)
    return found


def measure_large(most: int) -> dict[str, Any]:
    """Seconds of two steps at batches that grow fourfold until one fails, or is `most`."""
    found: dict[str, Any] = {}
    batch = min(65536, most)
    while batch <= most:
        whole, output = _run("sims.contrastive", *large_options(Large(batch=batch)).split())
        found[str(batch)] = {"whole": whole, **json.loads(output)["seconds"]} if output else "failed"
        print(batch, found[str(batch)], file=sys.stderr)
        if not output:
            break
        batch *= 4
    return found


def main() -> None:
    """Measure the parts that are asked for, and keep them."""
    parser = argparse.ArgumentParser("python -m benchmarks.accelerator", description=__doc__)
    parser.add_argument("parts", nargs="+", choices=("programs", "large", *TOWERS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--largest", type=int, default=1 << 20, help="pairs in the largest batch that is tried")
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks"), metavar="DIR")
    options = parser.parse_args()
    for part in options.parts:
        if part == "programs":
            found = measure_programs()
        elif part == "large":
            found = measure_large(options.largest)
        else:
            # In a process of its own, so that the memory of one part is free for the next.
            command = (
                f"from benchmarks.accelerator import *; print(json.dumps(measure_tower({part!r}, {options.rounds})))"
            )
            done = subprocess.run([sys.executable, "-c", command], stdout=subprocess.PIPE, text=True)
            found = json.loads(done.stdout) if done.returncode == 0 else {"failed": done.returncode}
        file = f"accelerator-{part.lower().replace('/', '-')}.json"
        results.write_files(options.out, {file: results.to_json({part: found})})
        print(json.dumps({part: found}))


if __name__ == "__main__":
    main()
