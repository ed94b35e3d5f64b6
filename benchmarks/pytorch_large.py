"""The benchmark's large run in PyTorch: InfoNCE on one batch of 16384 pairs, eager or under `torch.compile`.

The same work as the main job's InfoNCE: fresh pairs at every step, linear encoders, unit-length embeddings, a learned
temperature, Adam.
"""

import argparse
import json
import math
import time

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.work import LEARNING_RATE, MAX_SCALE, MODEL, Large, seconds_since_start


def pairs(work: Large, bases: list[Tensor]) -> list[Tensor]:
    """Fresh images and texts (size, dim)."""
    labels = torch.where(torch.rand(work.batch) < 0.5, 1.0, -1.0)
    attributes = torch.where(torch.rand(work.batch) < MODEL.spurious_ratio, labels, -labels)
    mean, sigma = torch.tensor([[MODEL.mu_inv, MODEL.mu_spu], [MODEL.sigma_inv, MODEL.sigma_spu]])
    latents = torch.stack([labels, attributes], dim=1) * mean + torch.randn(work.batch, 2) * sigma
    noise = MODEL.sigma_xi / math.sqrt(work.dim)
    return [latents @ basis.T + noise * torch.randn(work.batch, work.dim) for basis in bases]


def train(work: Large, compiled: bool) -> tuple[float, dict[str, float]]:
    """The last loss, and the seconds that compilation (with the first step) and all steps took."""
    torch.manual_seed(0)
    bases = [torch.linalg.qr(torch.randn(work.dim, 2))[0] for _ in range(2)]
    weights = [torch.randn(work.dim, work.width).div_(math.sqrt(work.dim)).requires_grad_() for _ in range(2)]
    weights.append(torch.tensor(math.log(1 / 0.07), requires_grad=True))
    optimiser = torch.optim.Adam(weights, lr=LEARNING_RATE, fused=True)

    def infonce(images: Tensor, texts: Tensor) -> Tensor:
        image_kernel, text_kernel, log_scale = weights
        scale = log_scale.clamp(max=math.log(MAX_SCALE)).exp()
        logits = (scale * F.normalize(images @ image_kernel, dim=1)) @ F.normalize(texts @ text_kernel, dim=1).T
        return -sum(logits.log_softmax(dim).diagonal().mean() for dim in (0, 1)) / 2

    loss = torch.compile(infonce) if compiled else infonce
    seconds, began = {"compile": 0.0}, time.perf_counter()
    if compiled:
        loss(*pairs(work, bases)).backward()
        optimiser.zero_grad()
        seconds["compile"], began = time.perf_counter() - began, time.perf_counter()
    for _ in range(work.steps):
        value = loss(*pairs(work, bases))
        value.backward()
        optimiser.step()
        optimiser.zero_grad()
    seconds["run"] = time.perf_counter() - began
    return value.item(), seconds


def main() -> None:
    """Do the work and print the seconds and the last loss as JSON."""
    imported = seconds_since_start()
    parser = argparse.ArgumentParser()
    parser.add_argument("--compile", action="store_true")
    loss, seconds = train(Large(), parser.parse_args().compile)
    print(json.dumps({"seconds": {"import": imported, **seconds}, "loss": loss}))


if __name__ == "__main__":
    main()
