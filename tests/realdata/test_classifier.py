"""The adapters of torchvision and timm, with stand-ins for them: their functions' names, a small classifier."""

import enum
import json
import pickle
import sys
import types

import numpy as np
import pytest
import torch
from PIL import Image

from realdata.models import classifier
from realdata.models.model import Model, Question
from tests.realdata.torchvision_pictures import picture, write_photos
from workbench.errors import InputError, RunError

QUESTION = Question([999, 3, 400], ["c", "a", "b"], ["unused {}"])
MEAN, DEVIATION = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)


def network(classes=1000):
    torch.manual_seed(0)
    layers = torch.nn.Conv2d(3, 8, 8, 8), torch.nn.BatchNorm2d(8), torch.nn.Flatten(), torch.nn.Linear(72, classes)
    made = torch.nn.Sequential(*layers)
    made.num_classes = classes
    return made


class Interpolation(enum.Enum):
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"


class Weights(enum.Enum):
    IMAGENET1K_V1 = (27, Interpolation.BILINEAR, 1000)
    IMAGENET1K_V2 = (32, Interpolation.BICUBIC, 1000)
    DEFAULT = (32, Interpolation.BICUBIC, 1000)  # another name of the second
    KINETICS400_V1 = (27, Interpolation.BILINEAR, 400)

    @property
    def meta(self):
        return {"categories": [""] * self.value[2]}

    def transforms(self):
        resize, interpolation, _ = self.value
        preset = types.SimpleNamespace(resize_size=[resize], crop_size=[24], interpolation=interpolation)
        preset.mean, preset.std = list(MEAN), list(DEVIATION)
        return preset

    def get_state_dict(self, *args, **kwargs):
        torchvision = sys.modules["torchvision"]
        torchvision.calls.append(("get_state_dict", kwargs))
        if torchvision.error:
            raise torchvision.error


@pytest.fixture
def torchvision(monkeypatch):
    module = types.ModuleType("torchvision")
    module.calls, module.error, module.__version__ = [], None, "0.24"

    def get_model(name, **config):
        module.calls.append(("get_model", name, config))
        return network()

    def get_model_weights(name):
        if name != "resnet18":
            raise ValueError(f"Unknown model {name}")
        return Weights

    module.models = types.SimpleNamespace(get_model=get_model, get_model_weights=get_model_weights)
    monkeypatch.setitem(sys.modules, "torchvision", module)
    return module


@pytest.fixture
def timm(monkeypatch):
    module = types.ModuleType("timm")
    module.classes, module.__version__ = 1000, "1.0"
    module.config = {"input_size": (3, 24, 24), "interpolation": "bicubic", "mean": MEAN, "std": DEVIATION}
    module.config |= {"crop_pct": 0.875, "crop_mode": "center"}

    def create_model(model_name, pretrained=False, **kwargs):
        assert pretrained and not kwargs
        return network(module.classes)

    module.create_model = create_model
    module.data = types.SimpleNamespace(resolve_model_data_config=lambda model: module.config)
    monkeypatch.setitem(sys.modules, "timm", module)
    return module


def logits(path, resize, resampling):
    with torch.no_grad():
        found = network().eval()(picture(path, resize, 24, resampling, MEAN, DEVIATION)[None])[0]
    return [found[index].item() for index in QUESTION.indices]


def check(model, tmp_path, resize, resampling):
    """Logits photo for photo; a pixel more, or the other interpolation, would be seen."""
    assert isinstance(model, Model) and not model.texts
    paths = write_photos(tmp_path)
    pictures = [pickle.loads(pickle.dumps(model.read))(path) for path in paths]
    scores = np.asarray(model.score(pictures, np.ones((len(paths), 3), bool)))
    np.testing.assert_allclose(scores, [logits(path, resize, resampling) for path in paths], atol=1e-5)
    other = Image.Resampling.BOX
    for changed in ((resize + 1, resampling), (resize, other)):
        assert np.abs(scores - [logits(path, *changed) for path in paths]).max() > 1e-2
    json.dumps(model.description)


@pytest.mark.parametrize(
    ("name", "weights", "resize", "resampling"),
    [
        ("resnet18", Weights.IMAGENET1K_V1, 27, Image.Resampling.BILINEAR),
        ("resnet18/DEFAULT", Weights.IMAGENET1K_V2, 32, Image.Resampling.BICUBIC),
    ],
)
def test_torchvisions_logits(tmp_path, torchvision, name, weights, resize, resampling):
    model = classifier.load_torchvision(name, QUESTION)
    check(model, tmp_path, resize, resampling)
    assert model.description["name"] == f"resnet18/{weights.name}"
    # The file is first read as weights only, and only then by torchvision, which would run code in it.
    (first, options), second = torchvision.calls
    assert first == "get_state_dict" and options["weights_only"] is True and options["check_hash"] is True
    assert second == ("get_model", "resnet18", {"weights": weights})


def test_a_file_with_code_never_reaches_torchvision(torchvision):
    torchvision.error = pickle.UnpicklingError("Unsupported global")
    with pytest.raises(InputError, match=r"^torchvision:resnet18: its file is damaged, or holds more than weights"):
        classifier.load_torchvision("resnet18", QUESTION)
    assert [call[0] for call in torchvision.calls] == ["get_state_dict"]


# timm cuts the decimals of size/crop_pct: 24/0.875 = 27.4, 24/0.9 = 26.7.
@pytest.mark.parametrize(("crop_pct", "resize"), [(0.875, 27), (0.9, 26)])
def test_timms_logits(tmp_path, timm, crop_pct, resize):
    timm.config["crop_pct"] = crop_pct
    check(classifier.load_timm("resnet18.a1_in1k", QUESTION), tmp_path, resize, Image.Resampling.BICUBIC)


def test_half_precision_is_close_and_other(tmp_path, timm):
    paths = write_photos(tmp_path)
    single, half = (classifier.load_timm("resnet18", QUESTION, dtype) for dtype in ("float32", "bfloat16"))
    pictures, among = [single.read(path) for path in paths], np.ones((len(paths), 3), bool)
    gap = np.abs(np.asarray(single.score(pictures, among)) - np.asarray(half.score(pictures, among))).max()
    assert 1e-5 < gap < 0.05  # 8 bits of numbers about 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"crop_mode": "border"}, "its way to resize photos must be among shortest.*, got border"),
        ({"input_size": (3, 24, 32), "crop_pct": 0.5}, "must be square, got 24 x 32"),
        ({"crop_pct": 1.15}, "must be cut from larger ones, crop_pct is 1.15"),
        ({"interpolation": "random"}, "the interpolation must be among .*, got random"),
    ],
)
def test_other_pictures_of_timms_are_told(timm, change, words):
    timm.config |= change
    with pytest.raises(InputError, match=f"^timm:resnet18: .*{words}$"):
        classifier.load_timm("resnet18", QUESTION)


def test_other_classes_are_told(timm, torchvision):
    with pytest.raises(InputError, match=r"resnet18: `names`: the indices must be from 0 to 999, got 1000$"):
        classifier.load_timm("resnet18", Question([3, 1000], ["a", "b"], []))
    timm.classes = 21843
    with pytest.raises(InputError, match=r"^timm:resnet18: must have ImageNet's 1000 classes, has 21843$"):
        classifier.load_timm("resnet18", QUESTION)
    with pytest.raises(InputError, match=r"KINETICS400_V1: must have ImageNet's 1000 classes, has 400$"):
        classifier.load_torchvision("resnet18/KINETICS400_V1", QUESTION)
    assert not torchvision.calls  # nothing was fetched


def test_other_names_are_told(torchvision):
    with pytest.raises(InputError, match=r"no weights V9, only resnet18/IMAGENET1K_V1, resnet18/IMAGENET1K_V2, "):
        classifier.load_torchvision("resnet18/V9", QUESTION)
    with pytest.raises(InputError, match=r"^torchvision:x: cannot be loaded \(Unknown model x\)$"):
        classifier.load_torchvision("x", QUESTION)


@pytest.mark.parametrize("package", ["torchvision", "timm"])
def test_a_missing_package_is_told(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError) as told:
        {"torchvision": classifier.load_torchvision, "timm": classifier.load_timm}[package]("resnet18", QUESTION)
    words = (
        f'needs {package}; in the checkout, python -m pip install -c constraints.txt -e ".[classifiers]" installs it'
    )
    assert str(told.value) == f"{package}:resnet18: {words}"


@pytest.mark.parametrize(("part", "kind"), [("3.weight", "weight"), ("1.running_mean", "buffer")])
def test_weights_that_are_no_numbers_are_told(timm, part, kind):
    def create_model(model_name, pretrained=False):
        made = network()
        made.state_dict()[part].view(-1)[2:4] = float("nan")
        return made

    timm.create_model = create_model
    with pytest.raises(RunError, match=rf"^timm:resnet18: the {kind} {part} holds 2 values that are not finite"):
        classifier.load_timm("resnet18", QUESTION)
