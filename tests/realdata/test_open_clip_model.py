"""The adapter of OpenCLIP, with a stand-in for the package: its functions' names and signatures, a small CLIP."""

import json
import pickle
import sys
import types

import numpy as np
import pytest
import torch
from PIL import Image

import realdata
from realdata.models import open_clip_model
from realdata.models.model import EmbeddingModel, Model, Question
from realdata.repairs.config import RepairConfig
from tests.realdata.made import made_photos
from tests.realdata.torchvision_pictures import picture, write_photos
from workbench.errors import InputError, RunError

QUESTION = Question([7, 3, 5], ["dog", "black swan", "fox"], ["A photo of {}.", "{} in a sketch", "the {}"])
MEAN, DEVIATION = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)
CONFIG = {"size": 24, "mode": "RGB", "mean": MEAN, "std": DEVIATION, "interpolation": "bicubic"}
CONFIG |= {"resize_mode": "shortest", "fill_color": 0}
TAGS = {"tiny-B-8": {"openai": {"url": "x", "quick_gelu": True}, "laion2b": {"url": "y"}}}


class TinyCLIP(torch.nn.Module):
    def __init__(self, quick_gelu, preprocess):
        super().__init__()
        torch.manual_seed(0)
        self.visual = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 8, 8), torch.nn.Flatten(), torch.nn.Dropout(0.5))
        self.visual.preprocess_cfg = preprocess
        self.words, self.projection = torch.nn.Embedding(256, 6), torch.nn.Linear(8 * 9, 6)
        self.quick_gelu = quick_gelu
        self.logit_scale = torch.nn.Parameter(torch.tensor(3.2))

    def encode_image(self, image, normalize: bool = False):
        hidden = self.visual(image)
        hidden = hidden * torch.sigmoid(1.702 * hidden) if self.quick_gelu else torch.nn.functional.gelu(hidden)
        features = self.projection(hidden)
        return torch.nn.functional.normalize(features, dim=-1) if normalize else features

    def encode_text(self, text, normalize: bool = False):
        features = self.words(text).sum(dim=1)
        return torch.nn.functional.normalize(features, dim=-1) if normalize else features


def tokenize(texts):
    rows = [list(text.encode())[:20] for text in texts]
    return torch.tensor([row + [0] * (20 - len(row)) for row in rows])


@pytest.fixture
def package(monkeypatch):
    """The stand-in; `asked` collects what its loader was told, `preprocess` is what it says of its pictures."""
    module = types.ModuleType("open_clip")
    module.asked, module.preprocess, module.text, module.error = [], dict(CONFIG), {}, None

    def create_model_from_pretrained(
        model_name,
        pretrained=None,
        precision="fp32",
        device="cpu",
        jit=False,
        force_quick_gelu=False,
        force_custom_text=False,
        force_image_size=None,
        force_context_length=None,
        image_mean=None,
        image_std=None,
        image_interpolation=None,
        image_resize_mode=None,
        return_transform=True,
        cache_dir=None,
        weights_only=True,
        **model_kwargs,
    ):
        module.asked.append((model_name, pretrained, precision, weights_only))
        if module.error:
            raise module.error
        model = TinyCLIP(force_quick_gelu, module.preprocess)
        model = model.to(torch.bfloat16) if precision == "bf16" else model
        return (model, None) if return_transform else model

    def get_tokenizer(model_name="", context_length=None, cache_dir=None, **kwargs):
        module.asked.append((model_name, kwargs))
        return tokenize

    module.create_model_from_pretrained, module.get_tokenizer = create_model_from_pretrained, get_tokenizer
    module.get_model_config = lambda model_name: {"text_cfg": module.text}
    module.list_pretrained_tags_by_model = lambda model: list(TAGS.get(model, {}))
    module.get_pretrained_cfg = lambda model, tag: TAGS.get(model, {}).get(tag, {})
    module.__version__ = "3.3.0"
    monkeypatch.setitem(sys.modules, "open_clip", module)
    return module


def similarities(path, quick_gelu, normalised=True, resampling=Image.Resampling.BICUBIC):
    """Of one photo, in the order of the definition; `normalised`: each template's embedding before their mean."""
    clip = TinyCLIP(quick_gelu, None).eval()
    with torch.no_grad():
        seen = clip.encode_image(picture(path, 24, 24, resampling, MEAN, DEVIATION)[None])[0]
        found = []
        for name in QUESTION.names:
            each = [clip.encode_text(tokenize([text.replace("{}", name)]))[0] for text in QUESTION.templates]
            mean = sum(one / (one.norm() if normalised else 1.0) for one in each)
            found.append(float(seen @ mean / seen.norm() / mean.norm()))
    return found


@pytest.mark.parametrize(("name", "quick_gelu"), [("tiny-B/8/openai", True), ("tiny-B-8/laion2b", False)])
def test_scores_are_the_cosine_similarities(tmp_path, package, name, quick_gelu):
    model = open_clip_model.load(name, QUESTION)
    assert isinstance(model, Model) and model.texts
    paths = write_photos(tmp_path)
    # Workers read photos, so that what reads them goes there in a pickle.
    pictures = [pickle.loads(pickle.dumps(model.read))(path) for path in paths]
    scores = np.asarray(model.score(pictures, np.ones((len(paths), 3), bool)))
    wanted = [similarities(path, quick_gelu) for path in paths]
    np.testing.assert_allclose(scores, wanted, atol=1e-6)
    # The power: embeddings that are not normalised before their mean, the other activation, another interpolation.
    for changed in (
        {"quick_gelu": quick_gelu, "normalised": False},
        {"quick_gelu": not quick_gelu},
        {"quick_gelu": quick_gelu, "resampling": Image.Resampling.BILINEAR},
    ):
        assert np.abs(scores - [similarities(path, **changed) for path in paths]).max() > 1e-3
    architecture, tag = "tiny-B-8", name.rpartition("/")[2]
    assert package.asked == [(architecture, tag, "fp32", True), (architecture, {})]
    assert json.loads(json.dumps(model.description))["preprocessing"]["mean"] == list(MEAN)


def test_embeddings_are_what_scores_are_made_of_and_prompts_are_kept(tmp_path, package, monkeypatch):
    model = open_clip_model.load("tiny-B-8/openai", QUESTION)
    assert isinstance(model, EmbeddingModel)
    assert model.scale == pytest.approx(np.exp(3.2), rel=1e-6)
    paths = write_photos(tmp_path)
    images = model.embed_images([model.read(path) for path in paths])
    np.testing.assert_allclose(np.linalg.norm(images, axis=1), 1, atol=1e-6)
    prompts = model.embed_names(QUESTION.names, QUESTION.templates)
    np.testing.assert_allclose(images @ prompts.T, [similarities(path, True) for path in paths], atol=1e-6)
    # What is kept belongs to these weights, and is read again in place of the text tower.
    encoded = []
    inner = TinyCLIP.encode_text
    monkeypatch.setattr(TinyCLIP, "encode_text", lambda *given, **named: encoded.append(1) or inner(*given, **named))
    again = open_clip_model.load("tiny-B-8/openai", QUESTION)
    np.testing.assert_array_equal(again.embed_names(QUESTION.names, QUESTION.templates), prompts)
    assert not encoded
    with torch.no_grad():
        again.clip.words.weight[ord("x")] += 1.0
    del again._depends_on
    assert np.abs(again.embed_names(QUESTION.names, QUESTION.templates) - prompts).max() > 1e-3 and encoded


def test_repairs_run_on_it(tmp_path, package):
    """The program's answers are those of its embeddings, by the same rule."""
    layout = {f"{index} {name}": ("red", "blue") for index, name in enumerate(QUESTION.names)}
    made_photos(tmp_path / "photos", layout, 2, side=24)
    found = realdata.evaluate(
        tmp_path / "photos",
        "open_clip:tiny-B-8/openai",
        names=",".join(QUESTION.names),
        workers=0,
        repairs=RepairConfig(repair=("projection",)),
    )
    table = found.repaired.to_frame()
    model = open_clip_model.load("tiny-B-8/openai", Question([0, 1, 2], QUESTION.names, ["A photo of {}."]))
    images = model.embed_images([model.read(tmp_path / "photos" / path) for path in table.path])
    classes, backgrounds = (model.embed_names(names, ["A photo of {}."]) for names in (QUESTION.names, ["blue", "red"]))
    kept = classes - classes @ np.linalg.pinv(backgrounds) @ backgrounds
    scores = images @ (kept / np.linalg.norm(kept, axis=1, keepdims=True)).T
    assert table.projection.tolist() == scores.argmax(axis=1).tolist()
    assert (table.projection != table.plain).any()


def test_half_precision_is_close_and_other(tmp_path, package):
    paths = write_photos(tmp_path)
    single, half = (open_clip_model.load("tiny-B-8/openai", QUESTION, dtype) for dtype in ("float32", "bfloat16"))
    pictures, among = [single.read(path) for path in paths], np.ones((len(paths), 3), bool)
    gap = np.abs(np.asarray(single.score(pictures, among)) - np.asarray(half.score(pictures, among))).max()
    assert 1e-5 < gap < 0.05  # 8 bits of a number, over two layers


@pytest.mark.parametrize("name", ["hf-hub:laion/CLIP", "local-dir:some/folder"])
def test_the_hub_and_a_folder_need_no_tag_and_may_fetch_no_code(package, name):
    package.text = {"hf_tokenizer_name": "someone/else", "tokenizer_kwargs": {"trust_remote_code": True}}
    open_clip_model.load(name, QUESTION)
    assert package.asked == [(name, None, "fp32", True), (name, {"trust_remote_code": False})]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tiny-B-8", "must be ARCHITECTURE/TAG, hf-hub:OWNER/NAME or local-dir:FOLDER, got 'tiny-B-8'"),
        ("tiny-B-8/", "must be ARCHITECTURE/TAG"),
        ("huge/openai", "OpenCLIP has no weights for 'huge'"),
        ("tiny-B-8/cc3m", "the tag must be among openai, laion2b, got 'cc3m'"),
    ],
)
def test_other_names_are_told(package, name, words):
    with pytest.raises(InputError, match=f"^open_clip:{name}: {words}"):
        open_clip_model.load(name, QUESTION)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"resize_mode": "longest"}, "its way to resize photos must be among shortest.*, got longest"),
        ({"size": (24, 32)}, "must be square, got 24 x 32"),
        ({"mean": (0.5, 0.5)}, "must have 3 channels, got 2"),
    ],
)
def test_other_pictures_are_told(package, change, words):
    package.preprocess |= change
    with pytest.raises(InputError, match=f"^open_clip:tiny-B-8/openai: .*{words}$"):
        open_clip_model.load("tiny-B-8/openai", QUESTION)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("no network\nmore of it"), r"cannot be loaded \(no network\)"),
        (KeyError(), r"cannot be loaded \(KeyError\)"),
        (
            pickle.UnpicklingError("set weights_only=False"),
            "its file is damaged, or holds more than weights",
        ),
    ],
)
def test_what_goes_wrong_there_is_told_in_one_line(package, error, words):
    package.error = error
    with pytest.raises(InputError, match=rf"^open_clip:tiny-B-8/openai: {words}"):
        open_clip_model.load("tiny-B-8/openai", QUESTION)


def test_a_missing_package_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(InputError) as told:
        open_clip_model.load("RN50/openai", QUESTION)
    words = (
        'needs open_clip_torch; in the checkout, python -m pip install -c constraints.txt -e ".[open-clip]" installs it'
    )
    assert str(told.value) == f"open_clip:RN50/openai: {words}"


def test_texts_that_are_cut_and_doubles_are_told(package):
    """20 bytes are read: of `A photo of black swan.` and `black panther.` the same ones but for the last two."""
    names = ["dog", "black bear cub", "black bear cubs", "fox"]
    model = open_clip_model.load("tiny-B-8/openai", Question([7, 3, 5, 9], names, ["A photo of {}."]))
    assert model.description["indistinguishable"] == [[3, 5]]
    assert (model.description["prompts"], model.description["prompts_cut"]) == (4, 2)
    pictures = [np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)]
    scores = np.asarray(model.score(pictures, np.ones((1, 4), bool)))[0]
    assert scores[1] == scores[2] and len(set(scores.tolist())) == 3


@pytest.mark.parametrize(
    ("end", "fill", "cut"),
    [(99, 0, [False, True, True]), (99, 99, [False, True, True]), (0, 0, [False, True, True])],
)
def test_texts_that_fill_the_context_are_counted(end, fill, cut):
    """Whether what fills up is the mark of the end or not; 6 tokens, a start, and the last one the end."""

    def tokenizer(texts):
        rows = [[*[50, *text.encode()][:5], end] for text in texts]
        return torch.tensor([row + [fill] * (6 - len(row)) for row in rows])

    tokens = tokenizer(["abc", "abcd", "abcde"]).numpy()
    assert open_clip_model._count_cut(tokenizer, tokens) == sum(cut)


def test_weights_and_embeddings_that_are_no_numbers_are_told(package, monkeypatch):
    inner = TinyCLIP.__init__

    def spoilt(part, row, value):
        def make(self, *given):
            inner(self, *given)
            with torch.no_grad():
                self.get_parameter(part)[row].fill_(value)

        monkeypatch.setattr(TinyCLIP, "__init__", make)

    spoilt("projection.weight", 5, float("nan"))
    with pytest.raises(RunError, match=r"^open_clip:tiny-B-8/openai: the weight projection\.weight holds 72 values"):
        open_clip_model.load("tiny-B-8/openai", QUESTION)
    # Finite, but the square of its length is not, and nothing is left of the direction.
    spoilt("words.weight", ord("x"), 1e30)
    with pytest.raises(RunError, match=r"embedding of 'A photo of fox\.' is not finite, or 0, as are 3 of 9$"):
        open_clip_model.load("tiny-B-8/openai", QUESTION)
