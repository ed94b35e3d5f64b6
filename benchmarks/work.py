"""What both sides of a comparison do."""

import dataclasses
import time

import psutil

from theory.model import SpuriousModel

MODEL = SpuriousModel()
LEARNING_RATE, DECAY_STEPS, MAX_SCALE = 0.05, 200, 100.0


@dataclasses.dataclass(frozen=True)
class Sweep:
    """Many small runs: 11 ratios x 8 seeds x 500 InfoNCE steps."""

    ratios: tuple[float, float, int] = (0.5, 1.0, 11)
    seeds: int = 8
    steps: int = 500
    batch: int = 128
    dim: int = 64
    width: int = 16
    test_images: int = 4096  # of each group


@dataclasses.dataclass(frozen=True)
class Large:
    """One run with a large batch."""

    steps: int = 2
    batch: int = 16384
    dim: int = 512
    width: int = 512


def sizes(work: Sweep | Large) -> str:
    """The options of our programs that set the work's sizes."""
    return f"--batch-size {work.batch} --image-dim {work.dim} --text-dim {work.dim} --embed-dim {work.width}"


def sweep_options(work: Sweep) -> str:
    """The options of `sims.sweep` that do the work."""
    start, stop, count = work.ratios
    return f"--spurious-ratio {start}:{stop}:{count} --seeds {work.seeds} --steps {work.steps} {sizes(work)}"


def large_options(work: Large) -> str:
    """The options of `sims.contrastive` that do the work."""
    return f"--objective infonce --seeds 1 --steps {work.steps} {sizes(work)} --json -"


def seconds_since_start() -> float:
    """Since the operating system started this process: the interpreter and the imports."""
    return time.time() - psutil.Process().create_time()
