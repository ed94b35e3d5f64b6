"""What both sides of a comparison do."""

import dataclasses
import time
from pathlib import Path

import numpy as np
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


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of Table 8 at MNIST's size, two classes: four learners on the same images, 20 steps of its 2,500."""

    seeds: int = 10
    steps: int = 20
    batch: int = 128
    train_images: int = 10610
    test_images: int = 2115
    side: int = 28
    invariant_ratio: float = 0.75
    spurious_ratio: float = 0.9
    width: int = 32
    learning_rate: float = 3e-3


IDX_HEADER = 16  # bytes before the first pixel of a file of images, 8 before the first label


def digit_files(split: str) -> tuple[str, str]:
    """The names of MNIST's files of images and labels; `split` is `train` or `t10k`."""
    return f"{split}-images-idx3-ubyte", f"{split}-labels-idx1-ubyte"


def write_digits(folder: Path, images: dict[str, np.ndarray], labels: dict[str, np.ndarray]) -> None:
    """Write images and labels, by split, as MNIST's four files."""
    for split in images:
        for name, array in zip(digit_files(split), (images[split], labels[split]), strict=True):
            header = bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes()
            (folder / name).write_bytes(header + array.astype(np.uint8).tobytes())


def write_noise(folder: Path, work: Row) -> None:
    """Write as many images as MNIST has of 0 and 1, of random pixels: what they show does not change the time."""
    source = np.random.default_rng(0)
    counts = {"train": work.train_images, "t10k": work.test_images}
    images = {split: source.integers(256, size=(count, work.side, work.side)) for split, count in counts.items()}
    write_digits(folder, images, {split: np.arange(count) % 2 for split, count in counts.items()})


def row_options(work: Row, digits: Path) -> str:
    """The options of `sims.colored_digits` that do the work."""
    ratios = f"--invariant-ratio {work.invariant_ratio} --spurious-ratio {work.spurious_ratio}"
    return (
        f"--digits {digits} --classes 2 {ratios} --seeds {work.seeds} --steps {work.steps} --batch-size {work.batch} "
        f"--embed-dim {work.width} --learning-rate {work.learning_rate} --json -"
    )


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
