"""`python -m benchmarks.repairs`: what each zero-shot repair costs a photo, beside a ViT-B/32's forward pass.

The image tower has random weights, and its photos are on the device; embeddings and prompts are random and of unit
length. The tower and the rules take turns in one process, as the evaluation calls them; the first, compiling call is
outside. Prompts are embedded once for all photos, which is outside as well.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from flax import nnx

from benchmarks.accelerator import TOWERS
from pretrained.clip import VisionTower
from pretrained.config import TransformerConfig, VisionConfig
from theory.names import REPAIRS
from theory.repair_rules import PLAIN, Prompts, rule_of
from theory.statements.repairs import constant_of
from workbench import program
from workbench.compilation import jit

_TOWER_BATCH, _RULE_BATCH = 64, 256  # photos at a time, as in the evaluation on a CPU


def _forward() -> Callable[[], Any]:
    """A ViT-B/32 on a batch of photos."""
    tower = TOWERS["ViT-B/32"]
    blocks = TransformerConfig(tower.width, tower.layers, tower.heads, tower.hidden, "quick_gelu")
    config = VisionConfig(blocks, tower.image_size, tower.patch_size)
    graph, weights = nnx.split(VisionTower(config, tower.embed_dim, nnx.Rngs(0)))
    photos = jax.random.normal(jax.random.key(0), (_TOWER_BATCH, tower.image_size, tower.image_size, 3))
    embed = jit(lambda weights, photos: nnx.merge(graph, weights)(photos))
    return lambda: np.asarray(embed(weights, photos))


def _unit(generator: np.random.Generator, *shape: int) -> np.ndarray:
    rows = generator.normal(size=shape).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def measure(classes: int, backgrounds: int, rounds: int) -> dict[str, list[float]]:
    """Seconds a photo in each round, of the tower (`forward`), the plain prompt and every repair."""
    generator, width = np.random.default_rng(0), TOWERS["ViT-B/32"].embed_dim
    prompts = Prompts(
        _unit(generator, classes, width),
        _unit(generator, backgrounds, width),
        _unit(generator, classes, backgrounds, width),
        100.0,
    )
    images = _unit(generator, _RULE_BATCH, width)
    rules = {name: rule_of(name, prompts, constant_of(name), images) for name in (PLAIN, *REPAIRS)}
    sides: dict[str, tuple[Callable[[], Any], int]] = {"forward": (_forward(), _TOWER_BATCH)}
    sides |= {name: (lambda rule=rule: np.asarray(rule(images)), _RULE_BATCH) for name, rule in rules.items()}
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds + 1):  # the first one compiles
        for name, (call, photos) in sides.items():
            started = time.perf_counter()
            call()
            seconds[name].append((time.perf_counter() - started) / photos)
    return {name: times[1:] for name, times in seconds.items()}


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.repairs", description=__doc__)
    parser.add_argument("--classes", type=program.whole_number(2), default=1000)
    parser.add_argument("--backgrounds", type=program.whole_number(2), default=90)
    parser.add_argument("--rounds", type=program.whole_number(1), default=9)
    options = parser.parse_args()
    seconds = measure(options.classes, options.backgrounds, options.rounds)
    print("| rule | ms a photo | % of the forward pass |\n|---|---|---|")
    for name, times in seconds.items():
        shares = [100 * own / whole for own, whole in zip(times, seconds["forward"], strict=True)]
        spread = f"{statistics.median(shares):.2f} ({min(shares):.2f} to {max(shares):.2f})"
        print(f"| {name} | {1000 * statistics.median(times):.3f} | {spread} |")


if __name__ == "__main__":
    main()
