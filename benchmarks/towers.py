"""`python -m benchmarks.towers`: images a second of CLIP's convolutional towers, here and in OpenCLIP on PyTorch.

OpenCLIP makes the model with random weights, whose file is read here. The sides take turns in one process, on the same
images, in single precision; the first, compiling pass is outside. Also how far the embeddings are apart. Processor
seconds are those of all threads: other work on the machine changes them little.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from flax import nnx

from pretrained.load import load
from sims.clip.model import byte_pairs
from workbench import program
from workbench.compilation import jit


def made_model(name: str, folder: Path) -> Any:
    """Write a checkpoint in OpenCLIP's format with random weights and some tokenizer; OpenCLIP's model."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    model = open_clip.create_model(name).eval()
    with torch.no_grad():
        for weight in model.parameters():  # some begin at 0 or nearly so, which would hide whole blocks
            if weight.ndim == 1:
                weight.add_(0.1 * torch.randn_like(weight))
    save_file(
        {key: part.contiguous() for key, part in model.state_dict().items()}, folder / "open_clip_model.safetensors"
    )
    content = {"model_cfg": open_clip.get_model_config(name), "preprocess_cfg": {}}
    (folder / "open_clip_config.json").write_text(json.dumps(content))
    byte_pairs(["a photo of a thing"]).save(str(folder / "tokenizer.json"))
    return model


def measure(name: str, number: int, rounds: int) -> None:
    """Measure a tower, and print the medians, the ratios and the distance."""
    import torch

    with tempfile.TemporaryDirectory() as folder:
        theirs = made_model(name, Path(folder))
        checkpoint = load(Path(folder))
    side = checkpoint.config.vision.image_size
    images = np.random.default_rng(0).normal(size=(number, side, side, 3)).astype(np.float32)
    graph, weights = nnx.split(checkpoint.model)
    embed = jit(lambda weights, images: nnx.merge(graph, weights).embed_images(images))

    def in_pytorch(memory_format: Any) -> np.ndarray:
        with torch.inference_mode():
            tensor = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(memory_format=memory_format)
            return theirs.encode_image(tensor, normalize=True).numpy()

    sides: dict[str, Callable[[], np.ndarray]] = {
        "JAX": lambda: np.asarray(embed(weights, images)),
        "PyTorch": lambda: in_pytorch(torch.contiguous_format),
        "PyTorch, channels last": lambda: in_pytorch(torch.channels_last),
    }
    found, seconds, processor = {}, {each: [] for each in sides}, {each: [] for each in sides}
    for _ in range(rounds + 1):  # the first pass compiles
        for each, run in sides.items():
            began, used = time.perf_counter(), time.process_time()
            found[each] = run()
            seconds[each].append(time.perf_counter() - began)
            processor[each].append(time.process_time() - used)
    for each in sides:
        ratios = [other / own for own, other in zip(processor["JAX"][1:], processor[each][1:], strict=True)]
        print(
            f"{name}, {each}: {number / statistics.median(seconds[each][1:]):.2f} images/s, "
            f"{statistics.median(processor[each][1:]) / number:.3f} processor seconds an image, "
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) times JAX's, "
            f"embeddings at most {np.abs(found[each] - found['JAX']).max():.1e} from JAX's",
            flush=True,
        )


def main() -> None:
    """Measure each tower."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.towers", description=__doc__)
    parser.add_argument("names", nargs="*", default=["RN50", "convnext_base"], help="OpenCLIP's names")
    parser.add_argument("--images", type=program.whole_number(1), default=16)
    parser.add_argument("--rounds", type=program.whole_number(1), default=5)
    options = parser.parse_args()
    for name in options.names:
        measure(name, options.images, options.rounds)


if __name__ == "__main__":
    main()
