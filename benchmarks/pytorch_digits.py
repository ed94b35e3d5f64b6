"""The benchmark's row of Table 8 in PyTorch: all runs and learners at once, eager or under `torch.compile`.

The same work as `sims.colored_digits` does: digits painted within the step, once for the four learners; the CNN with
two convolutions; Eq. 10, InfoNCE, SigLIP and cross-entropy; Adam along a cosine; every test digit on every colour. A
run and a learner have their own filters, so that convolutions are grouped ones, or products of patches as in JAX here.
"""

import argparse
import json
import math
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.work import IDX_HEADER, MAX_SCALE, Row, digit_files, seconds_since_start

CLASSES, LEARNERS = 2, ("perfect_language", "infonce", "siglip", "cross_entropy")
CHANNELS = (16, 32)
PALETTE = torch.tensor([[200.0, 30.0, 30.0], [20.0, 140.0, 40.0]]) / 255
_PIECE = 256  # test images at a time


class Digits(NamedTuple):
    """Grey images (size, side, side) from 0 to 1, and their digits (size)."""

    images: Tensor
    labels: Tensor


def read_digits(folder: Path, split: str) -> Digits:
    """The images and labels of a split from MNIST's files."""
    names = digit_files(split)
    labels = torch.from_numpy(np.fromfile(folder / names[1], np.uint8, offset=IDX_HEADER // 2)).long()
    pixels = torch.from_numpy(np.fromfile(folder / names[0], np.uint8, offset=IDX_HEADER)).float() / 255
    side = math.isqrt(pixels.numel() // len(labels))
    return Digits(pixels.reshape(len(labels), side, side), labels)


class Networks:
    """The weights of all learners in all runs, and their forward passes.

    Args:
        work: the sizes.
        side: of an image.
        grouped: whether convolutions are grouped ones; else they are products of patches.
        channels_last: the order in memory of what is convolved.
    """

    def __init__(self, work: Row, side: int, grouped: bool, channels_last: bool):
        self.grouped, self.runs = grouped, work.seeds
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        learners, runs, left = len(LEARNERS), work.seeds, math.ceil(math.ceil(side / 2) / 2)
        first, second = CHANNELS
        self.first = _normal(9 * 3, (runs, 9 * 3, learners * first))  # all learners see the same images
        self.first_bias = torch.zeros(runs, 1, learners * first, requires_grad=True)
        self.second = _normal(9 * first, (runs, learners, 9 * first, second))
        self.second_bias = torch.zeros(runs, learners, 1, second, requires_grad=True)
        self.head = _normal(left * left * second, (runs, learners, left * left * second, work.width))
        # Eq. 10 has a head for the object and one for the colour, cross-entropy for the object.
        self.heads = _normal(work.width, (3, runs, work.width, CLASSES))
        self.head_biases = torch.zeros(3, runs, 1, CLASSES, requires_grad=True)
        self.words = _normal(2 * CLASSES + 1, (2, runs, 2 * CLASSES + 1, work.width))  # of InfoNCE and SigLIP
        scales = torch.tensor([math.log(1 / 0.07), math.log(10.0)])
        self.log_scales = scales[:, None].repeat(1, runs).requires_grad_()
        self.perfect_logit = torch.zeros(runs, requires_grad=True)

    @property
    def weights(self) -> list[Tensor]:
        """All that is trained."""
        return [value for value in vars(self).values() if isinstance(value, Tensor)]

    def embed(self, images: Tensor) -> Tensor:
        """Embeddings (run, learner, size, width) of images (run, size, side, side, 3)."""
        features = self._by_groups(images) if self.grouped else self._by_products(images)
        return features @ self.head

    def _by_products(self, images: Tensor) -> Tensor:
        runs, size = images.shape[:2]
        patches = _patches(images)
        side = patches.shape[2]
        features = gelu(patches.flatten(1, 3) @ self.first + self.first_bias)
        features = features.reshape(runs, size, side, side, len(LEARNERS), -1).permute(0, 4, 1, 2, 3, 5)
        patches = _patches(features.flatten(0, 1)).unflatten(0, (runs, -1))
        return gelu(patches.flatten(2, 4) @ self.second + self.second_bias).reshape(runs, len(LEARNERS), size, -1)

    def _by_groups(self, images: Tensor) -> Tensor:
        runs, size = images.shape[:2]
        stacked = images.permute(1, 0, 4, 2, 3).flatten(1, 2).contiguous(memory_format=self.layout)
        features = self._convolve(stacked, self.first, self.first_bias, runs)
        features = self._convolve(features, self.second.flatten(0, 1), self.second_bias, runs * len(LEARNERS))
        features = features.unflatten(1, (runs, len(LEARNERS), -1)).permute(1, 2, 0, 4, 5, 3)
        return features.reshape(runs, len(LEARNERS), size, -1)

    def _convolve(self, inputs: Tensor, kernels: Tensor, bias: Tensor, groups: int) -> Tensor:
        """Kernels are (group, 9 * inputs, outputs), the nine neighbours slowest."""
        filters = kernels.unflatten(1, (3, 3, -1)).permute(0, 4, 3, 1, 2).flatten(0, 1)
        filters = filters.contiguous(memory_format=self.layout)
        return gelu(F.conv2d(inputs, filters, bias.flatten(), stride=2, padding=1, groups=groups))

    def loss(self, images: Tensor, texts: Tensor, labels: Tensor, colours: Tensor) -> Tensor:
        """The losses of all learners, summed over them and the runs."""
        embedded = self.embed(images)
        logits = torch.stack([embedded[:, 0], embedded[:, 0], embedded[:, 3]]) @ self.heads + self.head_biases
        targets = torch.stack([labels, colours, labels])
        size = labels.shape[1]
        cross_entropies = F.cross_entropy(logits.flatten(0, 2), targets.flatten(), reduction="sum") / size
        with_text = F.normalize(embedded[:, 1:3].transpose(0, 1), dim=-1)
        similar = with_text @ F.normalize(texts @ self.words, dim=-1).mT
        infonce = similar[0] * self.log_scales[0].clamp(max=math.log(MAX_SCALE)).exp()[:, None, None]
        both = sum(infonce.log_softmax(dim).diagonal(dim1=-2, dim2=-1).sum() for dim in (-1, -2)) / (2 * size)
        scale = self.log_scales[1].exp()[:, None, None]
        siglip = similar[1] * scale + self.perfect_logit[:, None, None] - scale
        pairs = (F.softplus(siglip).sum() - siglip.diagonal(dim1=-2, dim2=-1).sum()) / size
        return cross_entropies - both + pairs

    def answers(self, images: Tensor, prompts: Tensor) -> Tensor:
        """The class that each learner gives to images (run, size, side, side, 3), shape (run, learner, size)."""
        embedded = self.embed(images)
        scores = embedded[:, 1:3] @ F.normalize(prompts @ self.words, dim=-1).transpose(0, 1).mT
        heads = [embedded[:, learner] @ self.heads[head] + self.head_biases[head] for learner, head in ((0, 0), (3, 2))]
        return torch.stack([heads[0], scores[:, 0], scores[:, 1], heads[1]], dim=1).argmax(-1)


def gelu(inputs: Tensor) -> Tensor:
    """GELU by the hyperbolic tangent, as in JAX."""
    return F.gelu(inputs, approximate="tanh")


def _normal(inputs: int, shape: tuple[int, ...]) -> Tensor:
    return torch.randn(shape).div_(math.sqrt(inputs)).requires_grad_()


def _patches(images: Tensor) -> Tensor:
    """The 3 x 3 pixels around every second pixel of every second row of images (..., side, side, channels)."""
    side = images.shape[-2]
    padded = F.pad(images, (0, 0, 1, 1, 1, 1))
    return torch.cat(
        [padded[..., row : row + side : 2, column : column + side : 2, :] for row in range(3) for column in range(3)],
        -1,
    )


def paint(ink: Tensor, colours: Tensor) -> Tensor:
    """White digits (..., side, side) on their colours (..., 3), channels last and from -1 to 1."""
    return 2 * (ink[..., None] + (1 - ink[..., None]) * colours[..., None, None, :]) - 1


def captions(labels: Tensor, colours: Tensor) -> Tensor:
    """Bags of words: the object's, the background's, and one that every caption has."""
    words = [F.one_hot(named, CLASSES).float() for named in (labels, colours)]
    return torch.cat([*words, torch.ones(*labels.shape, 1)], dim=-1)


def train(
    work: Row, folder: Path, grouped: bool, channels_last: bool, compiled: bool
) -> tuple[Tensor, dict[str, float]]:
    """Share of the answer 1 (run, learner, digit, colour) on the test digits, and seconds of compilation and run."""
    torch.manual_seed(0)
    began = time.perf_counter()
    digits, tests = read_digits(folder, "train"), read_digits(folder, "t10k")
    size, runs = len(digits.labels), work.seeds
    labels = torch.where(torch.rand(runs, size) < work.invariant_ratio, digits.labels, 1 - digits.labels)
    colours = torch.where(torch.rand(runs, size) < work.spurious_ratio, labels, 1 - labels)
    networks = Networks(work, digits.images.shape[1], grouped, channels_last)
    optimiser = torch.optim.Adam(networks.weights, lr=work.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, work.steps)

    def gradients(rows: Tensor) -> None:
        shown, background = labels.gather(1, rows), colours.gather(1, rows)
        images = paint(digits.images[rows], PALETTE[background])
        networks.loss(images, captions(shown, background), shown, background).backward()

    step_of = torch.compile(gradients) if compiled else gradients
    batches, seconds = size // work.batch, {"compile": 0.0}
    for step in range(work.steps):
        if step % batches == 0:
            order = torch.rand(runs, size).argsort(dim=1)
        start = step % batches * work.batch
        step_of(order[:, start : start + work.batch].contiguous())
        if step == 0 and compiled:
            seconds["compile"] = time.perf_counter() - began
            began = time.perf_counter()
        optimiser.step()
        schedule.step()
        optimiser.zero_grad()
    shares = _test(networks, tests, runs)
    seconds["run"] = time.perf_counter() - began
    return shares, seconds


@torch.no_grad()
def _test(networks: Networks, tests: Digits, runs: int) -> Tensor:
    prompts = captions(torch.arange(CLASSES), torch.arange(CLASSES))
    prompts[:, CLASSES : 2 * CLASSES] = 0.0  # they name the object and no background
    shares = torch.zeros(runs, len(LEARNERS), CLASSES, CLASSES)
    for colour in range(CLASSES):
        found = []
        for ink in tests.images.split(_PIECE):
            painted = paint(ink, PALETTE[colour].expand(len(ink), 3))
            found.append(networks.answers(painted.expand(runs, *painted.shape), prompts))
        answers = torch.cat(found, dim=-1).float()
        for digit in range(CLASSES):
            shares[:, :, digit, colour] = answers[:, :, tests.labels == digit].mean(-1)
    return shares


def main() -> None:
    """Do the work and print the seconds, and the shares of the answer 1, as JSON."""
    imported = seconds_since_start()
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--grouped", action="store_true")
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    shares, seconds = train(Row(), options.folder, options.grouped, options.channels_last, options.compile)
    print(json.dumps({"seconds": {"import": imported, **seconds}, "shares": shares.tolist()}))


if __name__ == "__main__":
    main()
