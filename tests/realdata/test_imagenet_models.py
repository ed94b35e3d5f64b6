"""torchvision's classifiers in JAX as the evaluator runs them: photo for photo as PyTorch; where their files lie."""

import hashlib
import json
import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from pretrained.imagenet import load as files
from pretrained.imagenet.resnet import ResNetConfig
from realdata.models import imagenet, imagenet_files
from realdata.models.imagenet_files import Published, cache_folder, find_file, published_files
from realdata.models.loading import Loading
from realdata.models.model import Model, Question
from realdata.models.registry import load_model
from tests.pretrained.imagenet_references import ResNet, randomised
from tests.realdata.torchvision_pictures import picture, write_photos
from workbench.errors import InputError

QUESTION = Question([999, 3, 400], ["c", "a", "b"], ["unused {}"])
SIZES = (1, 1, 1, 1), False, 4


@pytest.fixture(scope="module")
def reference():
    return randomised(ResNet(*SIZES, 1000))


@pytest.fixture
def small(monkeypatch, tmp_path):
    """`resnet18` is a small network here, and PyTorch's cache is a folder of the test."""
    monkeypatch.setitem(files.ARCHITECTURES, "resnet18", ResNetConfig(*SIZES))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch" / "hub" / "checkpoints"


def write(reference, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = {key: value.contiguous() for key, value in reference.state_dict().items()}
    save_file(weights, path) if path.suffix == ".safetensors" else torch.save(weights, path)
    return path


def test_logits_are_pytorchs_photo_for_photo(small, reference, tmp_path):
    """Resized to 256 and cut to 224, as torchvision does; a pixel more, or the other interpolation, would be seen."""
    write(reference, small / "resnet18.safetensors")
    model = load_model("torchvision:resnet18", QUESTION, Loading())
    assert isinstance(model, Model) and not model.texts
    paths = write_photos(tmp_path)
    pictures = [pickle.loads(pickle.dumps(model.read))(path) for path in paths]
    scores = np.asarray(model.score(pictures, np.ones((len(paths), 3), bool)))
    normal = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

    def logits(resize, resampling):
        stack = torch.stack([picture(path, resize, 224, resampling, *normal) for path in paths])
        with torch.no_grad():
            return reference(stack).numpy()[:, QUESTION.indices]

    # Single precision, some hundred products in each of ten sums.
    np.testing.assert_allclose(scores, logits(256, Image.Resampling.BILINEAR), atol=1e-4, rtol=1e-4)
    for other in ((257, Image.Resampling.BILINEAR), (256, Image.Resampling.BICUBIC)):
        assert np.abs(scores - logits(*other)).max() > 1e-2
    # A smaller batch, which is filled up, and half precision.
    np.testing.assert_allclose(np.asarray(model.score(pictures[:2], np.ones((2, 3), bool))), scores[:2], atol=1e-5)
    half = load_model("torchvision:resnet18", QUESTION, Loading(dtype="bfloat16"))
    gap = np.abs(np.asarray(half.score(pictures, np.ones((len(paths), 3), bool))) - scores).max()
    assert 1e-5 < gap < 0.1 * np.abs(scores).max()
    assert json.loads(json.dumps(model.description))["file"] == "resnet18.safetensors"


def test_what_runs_here_and_what_torchvision_runs():
    assert all(imagenet.is_here(name) for name in published_files())
    assert imagenet.is_here("resnet50/IMAGENET1K_V1") and imagenet.is_here("vgg11@some/file.pth")
    for other in ("resnet50/IMAGENET1K_V2", "resnet50/DEFAULT", "resnet152", "regnet_y_16gf", ""):
        assert not imagenet.is_here(other)


def test_presets_are_torchvisions():
    """By hand, from torchvision: 256 and 224 unless a model's own recipe was evaluated at another size."""
    other = {name: each.resize for name, each in published_files().items() if each.resize != 256}
    assert other == {"vit_l_16": 242, "convnext_small": 230, "convnext_base": 232, "convnext_large": 232}
    assert published_files()["alexnet"].digits == "7be5be79"


def test_the_cache_is_pytorchs(monkeypatch, tmp_path):
    torch_home = torch.hub.get_dir()
    assert cache_folder() == type(tmp_path)(torch_home) / "checkpoints"
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert cache_folder() == type(tmp_path)(torch.hub.get_dir()) / "checkpoints" == tmp_path / "hub" / "checkpoints"


@pytest.fixture
def own(small, reference, monkeypatch, tmp_path):
    """torchvision's file of `resnet18`, as it were: its name ends in its digits; it lies at the address."""
    path = write(reference, tmp_path / "address" / "x.pth")
    digits = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    named = path.rename(path.with_name(f"resnet18-{digits}.pth"))
    table = published_files() | {"resnet18": Published(named.name, 256, 224)}
    monkeypatch.setattr(imagenet_files, "published_files", lambda: table)
    monkeypatch.setattr(imagenet_files, "ADDRESS", f"{(tmp_path / 'address').as_uri()}/")
    return named


def test_it_is_downloaded_once_and_by_its_digits(own, small):
    found = find_file("resnet18", "", allow_pickle=False)
    assert found == small / own.name and found.read_bytes() == own.read_bytes()
    own.unlink()
    assert find_file("resnet18", "", allow_pickle=False) == found
    assert {path.name for path in small.iterdir()} == {own.name}


def test_a_damaged_download_is_told_and_leaves_nothing(own, small):
    own.write_bytes(own.read_bytes()[:-1])
    with pytest.raises(InputError, match="the file that came is damaged"):
        find_file("resnet18", "", allow_pickle=False)
    assert list(small.iterdir()) == []
    own.unlink()
    words = (
        r"^torchvision:resnet18: .* holds neither resnet18\.safetensors nor resnet18-\w+\.pth, which cannot be downl"
    )
    with pytest.raises(InputError, match=words):
        find_file("resnet18", "", allow_pickle=False)


def test_a_safe_file_comes_before_a_pickled_one_and_a_strange_pickle_is_refused(own, small, reference, tmp_path):
    safe = write(reference, own.parent / "resnet18.safetensors")
    assert find_file("resnet18", str(own.parent), allow_pickle=False) == safe
    assert find_file("resnet18", str(own), allow_pickle=False) == own
    other = write(randomised(ResNet(*SIZES, 1000), seed=1), tmp_path / own.name)
    with pytest.raises(
        InputError, match=r"is not torchvision's file of resnet18, whose SHA-256 begins with \w{8}, but"
    ):
        find_file("resnet18", str(other), allow_pickle=False)
    assert find_file("resnet18", str(other), allow_pickle=True) == other
    with pytest.raises(InputError, match=r"nowhere is no file, and holds neither"):
        find_file("resnet18", "nowhere", allow_pickle=False)


def test_a_pickled_file_gives_the_same_scores(own, small, reference, tmp_path):
    photos = [np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)]
    safe = write(reference, tmp_path / "mine.safetensors")
    scores = [
        np.asarray(load_model(f"torchvision:resnet18@{path}", QUESTION, Loading()).score(photos, np.ones((1, 3), bool)))
        for path in (own, safe)
    ]
    np.testing.assert_array_equal(*scores)


def test_wrong_input_is_told(small, reference, tmp_path):
    write(reference, small / "resnet18.safetensors")
    with pytest.raises(InputError, match=r"^`model`: torchvision:resnet18: `names`: the indices must be from 0 to 999"):
        load_model("torchvision:resnet18", Question([1000], ["a"], []), Loading())
    write(reference, tmp_path / "other.safetensors")
    with pytest.raises(
        InputError, match=r"^`model`: .*other\.safetensors: lacks .* weights that its configuration asks"
    ):
        load_model(f"torchvision:resnet34@{tmp_path / 'other.safetensors'}", QUESTION, Loading())
