"""torchvision's classifiers in JAX, against the same networks in plain PyTorch, from the same files."""

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
import torch
from flax import nnx
from safetensors.torch import save_file

from pretrained.config import TransformerConfig
from pretrained.imagenet.convnext import ConvNeXtClassifierConfig
from pretrained.imagenet.load import ARCHITECTURES, load, shapes
from pretrained.imagenet.plain import ALEXNET, Convolution, PlainConfig, Pool, vgg
from pretrained.imagenet.resnet import ResNetConfig
from pretrained.imagenet.vision_transformer import ViTConfig
from published.directory import DIRECTORY
from tests.pretrained import imagenet_references as references
from tests.pretrained.imagenet_references import randomised
from workbench.errors import InputError, RunError

CLASSES = 7
FILES = pd.read_csv(DIRECTORY / "torchvision_files.csv").set_index("model")


def small_alexnet():
    widths = iter((6, 10, 8, 12, 9))
    layers = tuple(
        dataclasses.replace(each, width=next(widths)) if isinstance(each, Convolution) else each
        for each in ALEXNET.layers
    )
    return dataclasses.replace(ALEXNET, layers=layers, places=2, hidden=11, classes=CLASSES, image_size=95)


# Small sizes, unequal where they could be mistaken for each other.
CASES = {
    "resnet of two": (
        ResNetConfig((2, 1, 2, 1), False, 4, CLASSES, 64),
        lambda: references.ResNet((2, 1, 2, 1), False, 4, CLASSES),
    ),
    "resnet of three": (
        ResNetConfig((1, 3, 2, 1), True, 3, CLASSES, 64),
        lambda: references.ResNet((1, 3, 2, 1), True, 3, CLASSES),
    ),
    "vgg": (
        vgg(1, 2, 1, 2, 1, width=3, places=2, hidden=11, classes=CLASSES, image_size=64),
        lambda: references.vgg((1, 2, 1, 2, 1), 3, 11, CLASSES)(2),
    ),
    "alexnet": (small_alexnet(), lambda: references.alexnet((6, 10, 8, 12, 9), 11, CLASSES, 2)),
    "vit": (
        ViTConfig(TransformerConfig(24, 3, 4, 96, "gelu", 1e-6), 8, CLASSES, 32),
        lambda: references.ViT(24, 3, 4, 8, 32, CLASSES),
    ),
    "convnext": (
        ConvNeXtClassifierConfig((2, 1, 3, 1), 4, CLASSES, 64),
        lambda: references.ConvNeXt((2, 1, 3, 1), 4, CLASSES),
    ),
}


def images(side, number=3):
    return np.random.default_rng(0).normal(size=(number, side, side, 3)).astype(np.float32)


@nnx.jit
def answers(model, pictures):
    return model(pictures)


def logits(reference, pictures):
    with torch.no_grad():
        return reference(torch.from_numpy(pictures).permute(0, 3, 1, 2)).numpy()


@pytest.fixture(params=CASES)
def case(request, tmp_path):
    """A configuration, the network in PyTorch, and its weights as a file."""
    config, make = CASES[request.param]
    reference = randomised(make())
    save_file({key: value.contiguous() for key, value in reference.state_dict().items()}, tmp_path / "x.safetensors")
    return config, reference, tmp_path / "x.safetensors"


def test_logits_are_pytorchs(case):
    config, reference, path = case
    pictures = images(config.image_size)
    wanted = logits(reference, pictures)
    found = np.asarray(answers(load(path, config), pictures))
    assert np.abs(wanted).max() > 0.1 and np.ptp(wanted, axis=0).max() > 1e-2  # or any answer would do
    # Sums of some hundred single-precision products of numbers about 1, in another order.
    np.testing.assert_allclose(found, wanted, atol=1e-4, rtol=1e-4)


def test_a_pickled_file_and_half_precision_are_close(case, tmp_path):
    config, reference, path = case
    torch.save(reference.state_dict(), tmp_path / "x.pth")
    pictures = images(config.image_size)
    whole = np.asarray(answers(load(path, config), pictures))
    np.testing.assert_array_equal(answers(load(tmp_path / "x.pth", config), pictures), whole)
    half = np.asarray(answers(load(path, config, "bfloat16"), pictures), np.float32)
    assert 0 < np.abs(half - whole).max() < 0.1 * np.abs(whole).max()  # 8 bits in each of some ten layers


def test_the_published_files_have_older_names_of_a_hidden_layer(tmp_path):
    config, make = CASES["vit"]
    reference = randomised(make())
    older = {
        key.replace("mlp.0.", "mlp.linear_1.").replace("mlp.3.", "mlp.linear_2."): value.contiguous()
        for key, value in reference.state_dict().items()
    }
    save_file(older, tmp_path / "x.safetensors")
    pictures = images(32)
    found = np.asarray(answers(load(tmp_path / "x.safetensors", config), pictures))
    np.testing.assert_allclose(found, logits(reference, pictures), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_sizes_are_torchvisions(name):
    """As many parameters as torchvision says, and an entry for each; nothing is allocated."""
    config, row = ARCHITECTURES[name], FILES.loc[name]
    _, variables = shapes(config)
    parameters = [each for _, each in variables if not issubclass(each.type, nnx.BatchStat)]
    assert sum(math.prod(each.shape) for each in parameters) == row["parameters"]
    assert {entry.path for entry in config.entries(())} == {path for path, _ in variables}
    assert (config.classes, config.image_size) == (1000, row["crop"])


def test_every_imagenet_model_of_the_paper_is_here():
    measured = pd.read_csv(DIRECTORY / "torchvision_imagenet.csv")
    assert list(FILES.index) == list(measured.model) and set(ARCHITECTURES) == set(FILES.index)


def test_images_of_another_size_are_refused():
    with pytest.raises(
        InputError, match="images of 256 x 256 pixels leave 8 x 8 places, not the 7 x 7 of the training"
    ):
        dataclasses.replace(ARCHITECTURES["vgg11"], image_size=256)
    with pytest.raises(InputError, match="leave 3 x 3 places"):
        PlainConfig((Convolution(4), Pool()), places=2, linear=(0, 3, 6), image_size=6)


def test_other_weights_are_told(tmp_path):
    config, make = CASES["resnet of two"]
    weights = {key: value.contiguous() for key, value in randomised(make()).state_dict().items()}
    path = tmp_path / "x.safetensors"
    save_file({key: value for key, value in weights.items() if key != "fc.bias"}, path)
    with pytest.raises(InputError, match=r"lacks 1 weights .* first fc\.bias of shape \(7,\)$"):
        load(path, config)
    save_file(weights | {"fc.extra": torch.zeros(2)}, path)
    with pytest.raises(InputError, match=r"holds 1 weights .* first fc\.extra"):
        load(path, config)
    save_file(weights, path)
    with pytest.raises(InputError, match="has shape"):
        load(path, dataclasses.replace(config, width=8))
    weights["layer2.0.bn1.running_mean"][0] = math.nan
    save_file(weights, path)
    with pytest.raises(RunError, match=r"layer2\.0\.bn1\.running_mean holds 1 values that are not finite"):
        load(path, config)
