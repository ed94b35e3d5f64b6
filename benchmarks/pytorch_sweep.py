"""The benchmark's sweep in PyTorch: all runs in one batch of matrices, eager or under `torch.compile`.

The same work as `sims.sweep` does: fresh pairs at every step, whose noise the runs of a seed share; linear encoders,
InfoNCE with unit-length embeddings and a learned temperature, Adam with the falling learning rate, the average of the
weights over the last half, and zero-shot accuracy on 4096 images of each group.
"""

import argparse
import json
import math
import time

import torch
from torch import Tensor

from benchmarks.work import DECAY_STEPS, LEARNING_RATE, MAX_SCALE, MODEL, Sweep, seconds_since_start


class Data:
    """Samples of the synthetic model for all runs; the leading axes of every tensor are (ratio, seed)."""

    def __init__(self, work: Sweep):
        self.work = work
        self.ratios = torch.linspace(*work.ratios)[:, None, None]
        self.seeds = work.seeds
        self.mean = torch.tensor([MODEL.mu_inv, MODEL.mu_spu])
        self.sigma = torch.tensor([MODEL.sigma_inv, MODEL.sigma_spu])
        self.bases = [torch.linalg.qr(torch.randn(self.seeds, work.dim, 2))[0] for _ in range(2)]

    def pairs(self, size: int, ratios: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Images, texts (ratio, seed, size, dim) and labels (1, seed, size)."""
        labels = torch.where(torch.rand(1, self.seeds, size) < 0.5, 1.0, -1.0)
        attributes = torch.where(torch.rand(1, self.seeds, size) < ratios, labels, -labels)
        signs = torch.stack([labels.expand_as(attributes), attributes], dim=-1)
        latents = signs * self.mean + torch.randn(self.seeds, size, 2) * self.sigma
        noise = MODEL.sigma_xi / math.sqrt(self.work.dim)
        images, texts = (
            latents @ basis.mT + noise * torch.randn(self.seeds, size, self.work.dim) for basis in self.bases
        )
        return images, texts, labels


def infonce(weights: list[Tensor], images: Tensor, texts: Tensor, fused: bool) -> Tensor:
    """CLIP's loss, summed over all runs; with PyTorch's fused kernel, or as the formula is written."""
    image_kernel, text_kernel, log_scale = weights
    scale = log_scale.clamp(max=math.log(MAX_SCALE)).exp()[..., None, None]
    logits = (scale * unit_length(images @ image_kernel)) @ unit_length(texts @ text_kernel).mT
    if not fused:
        own = logits.diagonal(dim1=-2, dim2=-1)
        return sum((logits.logsumexp(dim) - own).mean(-1) for dim in (-1, -2)).sum() / 2
    return -sum(logits.log_softmax(dim).diagonal(dim1=-2, dim2=-1).mean(-1) for dim in (-1, -2)).sum() / 2


def unit_length(embeddings: Tensor) -> Tensor:
    """Rows divided by their length."""
    return embeddings / embeddings.norm(dim=-1, keepdim=True)


def train(work: Sweep, compiled: bool, fused: bool) -> tuple[Tensor, dict[str, float]]:
    """Accuracies (ratio, seed, prompt, group), and the seconds that compilation and run took."""
    torch.manual_seed(0)
    began = time.perf_counter()
    data = Data(work)
    runs = len(data.ratios), work.seeds
    shapes = [(*runs, work.dim, work.width)] * 2
    weights = [torch.randn(shape).div_(math.sqrt(work.dim)).requires_grad_() for shape in shapes]
    weights.append(torch.full(runs, math.log(1 / 0.07), requires_grad=True))
    totals = [torch.zeros_like(weight) for weight in weights]
    optimiser = torch.optim.Adam(weights, lr=LEARNING_RATE, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 / (1 + step / DECAY_STEPS))

    def gradients() -> None:
        images, texts, _ = data.pairs(work.batch, data.ratios)
        infonce(weights, images, texts, fused).backward()

    if compiled:
        gradients = torch.compile(gradients)
    seconds = {"compile": 0.0}
    for step in range(work.steps):
        gradients()
        if step == 0 and compiled:
            seconds["compile"] = time.perf_counter() - began
            began = time.perf_counter()
        optimiser.step()
        schedule.step()
        optimiser.zero_grad()
        if step >= work.steps // 2:
            torch._foreach_add_(totals, [weight.detach() for weight in weights])
    averaged = [total / (work.steps - work.steps // 2) for total in totals]
    accuracies = evaluate(data, averaged)
    seconds["run"] = time.perf_counter() - began
    return accuracies, seconds


@torch.no_grad()
def evaluate(data: Data, weights: list[Tensor]) -> Tensor:
    """Zero-shot accuracies (ratio, seed, prompt, group)."""
    image_kernel, text_kernel, _ = weights
    class_mean = torch.stack([torch.ones_like(data.ratios), 2 * data.ratios - 1], dim=-1) * data.mean
    label = torch.tensor([1.0, 0.0]).expand_as(class_mean)
    prompts = torch.cat([label, class_mean], dim=-2) @ data.bases[1].mT  # of class +1: (ratio, seed, prompt, dim)
    embedded = unit_length(prompts @ text_kernel)
    accuracies = []
    for ratio in (1.0, 0.0):
        images, _, labels = data.pairs(data.work.test_images, torch.tensor(ratio))
        margins = (images @ image_kernel) @ embedded.mT
        accuracies.append(((margins > 0) == (labels[..., None] > 0)).float().mean(-2))
    return torch.stack(accuracies, dim=-1)


def main() -> None:
    """Do the work and print the seconds and mean accuracies as JSON."""
    imported = seconds_since_start()
    parser = argparse.ArgumentParser()
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--logsumexp", action="store_true")
    options = parser.parse_args()
    accuracies, seconds = train(Sweep(), options.compile, not options.logsumexp)
    print(json.dumps({"seconds": {"import": imported, **seconds}, "accuracy": accuracies.mean(dim=1).tolist()}))


if __name__ == "__main__":
    main()
