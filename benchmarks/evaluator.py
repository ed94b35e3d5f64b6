"""`python -m benchmarks.evaluator`: photos a second of a ViT-B/32, here and in transformers on PyTorch.

The same random weights on the same made photos (JPEG, 500 x 375), decoded by the same processes; each side then
normalises, embeds and takes the most similar of 1,000 candidates. The sides take turns in one process, each going
through all photos; loading, prompts and the first, compiling pass are outside. Also whether they give the same answers.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pretrained.load import load
from realdata.models.clip import ZeroShot
from realdata.models.model import Question
from realdata.photos.decoding import Decoders, processor_count
from sims.clip.model import byte_pairs
from workbench import program

_CANDIDATES = 1000
_SIZE = (500, 375)  # as iNaturalist's photos are


def made_photos(folder: Path, number: int) -> list[Path]:
    """Photos with structure at every scale, as JPEG."""
    generator = np.random.default_rng(0)
    paths = []
    for index in range(number):
        layers = [generator.normal(size=(side, side, 3)) for side in (4, 16, 64, 256)]
        total = sum(
            np.asarray(
                [Image.fromarray(layer[..., channel].astype(np.float32)).resize(_SIZE) for channel in range(3)],
                np.float32,
            )
            for layer in layers
        )
        pixels = np.clip(128 + 30 * np.moveaxis(total, 0, -1), 0, 255).astype(np.uint8)
        paths.append(folder / f"{index:05d}.jpg")
        Image.fromarray(pixels).save(paths[-1], quality=90)
    return paths


def made_checkpoint(folder: Path) -> Any:
    """OpenAI's ViT-B/32 with random weights, written by transformers, with some tokenizer; transformers' model."""
    import torch
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

    torch.manual_seed(0)
    model = CLIPModel(CLIPConfig()).eval()
    model.save_pretrained(folder)
    CLIPImageProcessor().save_pretrained(folder)
    byte_pairs(["a photo of a thing"]).save(str(folder / "tokenizer.json"))
    return model


def passing(
    read: Callable[[Path], np.ndarray], paths: Sequence[Path], batch_size: int, score: Callable[[list[Any]], Any]
) -> Iterator[np.ndarray]:
    """Each batch's answers; one batch is decoded while another is looked at."""
    with Decoders(read, processor_count()) as decoders:
        waiting = None
        for images in decoders.batches(paths, batch_size):
            following = score(images)
            if waiting is not None:
                yield np.asarray(waiting).argmax(axis=1)
            waiting = following
        yield np.asarray(waiting).argmax(axis=1)


def main() -> None:
    """Measure, and print the medians of both and the ratio."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluator", description=__doc__)
    parser.add_argument("--photos", type=program.whole_number(1), default=256)
    parser.add_argument("--rounds", type=program.whole_number(1), default=5)
    parser.add_argument("--batch-size", type=program.whole_number(1), default=64)
    options = parser.parse_args()
    import torch

    with tempfile.TemporaryDirectory() as folder:
        paths = made_photos(Path(folder), options.photos)
        theirs = made_checkpoint(Path(folder) / "model")
        checkpoint = load(Path(folder) / "model")
        question = Question(list(range(_CANDIDATES)), [f"thing {n}" for n in range(_CANDIDATES)], ["a photo of a {}"])
        ours = ZeroShot(checkpoint, question)
        prompts = torch.tensor(np.asarray(ours.prompts))
        every = np.ones((options.batch_size, _CANDIDATES), bool)
        mean, deviation = (
            torch.tensor(part)[:, None, None]
            for part in (checkpoint.preprocessing.mean, checkpoint.preprocessing.deviation)
        )

        def in_pytorch(images: list[np.ndarray]) -> Any:
            with torch.inference_mode():
                pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
                embedded = theirs.get_image_features(pixel_values=(pixels - mean) / deviation).pooler_output
                return torch.nn.functional.normalize(embedded, dim=1) @ prompts.T

        sides = {
            "JAX": lambda images: ours.score(images, every[: len(images)]),
            "PyTorch": in_pytorch,
        }
        seconds: dict[str, list[float]] = {name: [] for name in sides}
        answers = {}
        for _ in range(options.rounds + 1):  # the first pass compiles
            for name, score in sides.items():
                started = time.perf_counter()
                answers[name] = np.concatenate(list(passing(ours.read, paths, options.batch_size, score)))
                seconds[name].append(time.perf_counter() - started)
    medians = {name: options.photos / statistics.median(times[1:]) for name, times in seconds.items()}
    ratios = [theirs / ours for ours, theirs in zip(seconds["JAX"][1:], seconds["PyTorch"][1:], strict=True)]
    for name, rate in medians.items():
        print(f"{name}: {rate:.1f} photos/s")
    print(f"ratio, median over the rounds: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    print(f"the same answers: {100 * np.mean(answers['JAX'] == answers['PyTorch']):.1f}% of {options.photos}")


if __name__ == "__main__":
    main()
