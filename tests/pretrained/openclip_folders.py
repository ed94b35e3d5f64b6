"""Checkpoints in OpenCLIP's format with random weights and any image tower, and `test_openclip`'s text tower."""

import json

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

from tests.pretrained.test_huggingface import make
from tests.pretrained.test_openclip import SIZES, in_openclips_layout

EMBED_DIM = SIZES["embed_dim"]


def write(folder, vision, weights, text_prefix=""):
    """A folder with an image tower of these settings and weights."""
    make(folder, activation="gelu", end=2)
    texts = {
        key: part
        for key, part in in_openclips_layout(load_file(folder / "model.safetensors")).items()
        if not key.startswith("visual.")
    }
    own = {key if key == "logit_scale" else f"{text_prefix}{key}": part for key, part in texts.items()}
    save_file(own | {f"visual.{key}": part for key, part in weights.items()}, folder / "open_clip_model.safetensors")
    say(folder, vision)


def say(folder, vision, **more):
    """Write the settings of the image tower into the configuration, and others of the model."""
    content = {"model_cfg": SIZES | {"vision_cfg": vision} | more, "preprocess_cfg": {}}
    (folder / "open_clip_config.json").write_text(json.dumps(content))


class Draws:
    """Random weights by key, none of which could stand for another one, or be left out unseen."""

    def __init__(self, seed=0):
        self.generator, self.weights = np.random.default_rng(seed), {}

    def normal(self, key, *shape, deviation=1.0, mean=0.0):
        self.weights[key] = (mean + deviation * self.generator.normal(size=shape)).astype(np.float32)

    def layer(self, key, *shape, bias=True, gain=1.0):
        """A linear map or a convolution in PyTorch's layout, which keeps the size of numbers after a ReLU."""
        self.normal(f"{key}.weight", *shape, deviation=gain * np.sqrt(2 / np.prod(shape[1:])))
        if bias:
            self.normal(f"{key}.bias", shape[0], deviation=0.3)

    def norm(self, key, width):
        self.normal(f"{key}.weight", width, deviation=0.3, mean=1.0)
        self.normal(f"{key}.bias", width, deviation=0.3)

    def normed_convolution(self, convolution, norm, *shape):
        """Statistics near those of the features; some variances are so small that what is added to them counts."""
        self.layer(convolution, *shape, bias=False)
        sizes = 10 ** self.generator.uniform(-1.5, 0.2, shape[0])
        self.weights[f"{convolution}.weight"] *= sizes[:, None, None, None].astype(np.float32)
        self.norm(norm, shape[0])
        statistics = self.generator.normal(size=shape[0]), self.generator.uniform(0.5, 2, shape[0])
        self.weights[f"{norm}.running_mean"] = (0.5 * sizes * statistics[0]).astype(np.float32)
        self.weights[f"{norm}.running_var"] = (sizes**2 * statistics[1]).astype(np.float32)
        self.weights[f"{norm}.num_batches_tracked"] = np.array(1000)

    def tensors(self):
        return {key: torch.tensor(part) for key, part in self.weights.items()}


def pictures(side, count=4):
    """Patches of colours, and noise: noise alone averages out over all places, so that its pictures are alike."""
    generator = np.random.default_rng(0)
    colours = np.kron(generator.normal(size=(count, 4, 4, 3)), np.ones((1, -(-side // 4), -(-side // 4), 1)))
    noise = generator.normal(size=(count, side, side, 3))
    return (1.5 * colours[:, :side, :side] + noise).astype(np.float32)


def unit(embeddings):
    return torch.nn.functional.normalize(embeddings, dim=1).numpy()
