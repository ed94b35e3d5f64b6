"""The adapter of language models that see: its scores against the loss that transformers itself computes."""

import builtins
import json

import numpy as np
import pytest
import torch
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    CLIPVisionConfig,
    DynamicCache,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from realdata.models import lvlm
from realdata.models.model import Model, Question
from workbench.errors import InputError

NAMES = ["dog", "black swan", "great white shark", "owl", "red fox"] * 4  # more than are asked at a time
TEMPLATE = (
    "{% for message in messages %}{{ message['role'].upper() + ': ' }}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}{{ '<image>\n' }}{% else %}{{ part['text'] + ' ' }}{% endif %}{% endfor %}"
    "{% endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)
QUESTION = Question(list(range(len(NAMES))), NAMES, ["unused {}"])


def tokenizer(image="<image>"):
    said = f"USER: \n{lvlm.QUESTION} ASSISTANT: A {' '.join(NAMES)}"
    words = [piece for piece, _ in pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str(said)]
    vocabulary = ["<s>", "</s>", "<unk>", "<pad>", image, *dict.fromkeys(words)]
    found = Tokenizer(models.WordLevel({word: index for index, word in enumerate(vocabulary)}, unk_token="<unk>"))
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    return PreTrainedTokenizerFast(tokenizer_object=found, additional_special_tokens=[image], **special)


def make(folder, template=None):
    """A random LLaVA."""
    torch.manual_seed(0)
    words = tokenizer()
    vision = CLIPVisionConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=16, patch_size=8
    )
    text = LlamaConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4
    )
    config = LlavaConfig(vision_config=vision, text_config=text, image_token_index=4, image_seq_length=4)
    model = LlavaForConditionalGeneration(config).eval()
    with torch.no_grad():  # a fresh one says nearly the same of everything
        for weight in model.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    model.save_pretrained(folder)
    pictures = CLIPImageProcessorPil(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16})
    LlavaProcessor(
        pictures,
        words,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=template,
    ).save_pretrained(folder)
    return model


def pictures():
    generator = np.random.default_rng(0)
    return [generator.integers(0, 256, shape, dtype=np.uint8) for shape in ((20, 33, 3), (41, 17, 3), (16, 16, 3))]


class Direct:
    """transformers' own loss of one answer to one photo, its cache unused."""

    def __init__(self, model, folder):
        self.model, self.processor = model, LlavaProcessor.from_pretrained(folder)

    def __call__(self, picture, name, of_the_answer=True):
        text = f"USER: <image>\n{lvlm.QUESTION} ASSISTANT: A {name}"
        inputs = self.processor(images=Image.fromarray(picture), text=text, return_tensors="pt")
        labels = inputs["input_ids"].clone()
        if of_the_answer:
            labels[:, : -1 - len(name.split())] = -100  # a word is a token here
        with torch.no_grad():
            return self.model(**inputs, labels=labels).loss.item()


@pytest.mark.parametrize("template", [None, TEMPLATE], ids=["without a template", "with LLaVA's"])
def test_scores_are_minus_the_loss_of_transformers(tmp_path, template):
    loss = Direct(make(tmp_path, template), tmp_path)
    model = lvlm.load(str(tmp_path), QUESTION)
    assert isinstance(model, Model) and not model.texts
    photos, among = pictures(), np.zeros((3, len(NAMES)), bool)
    among[0, [0, 2, 4]] = among[1] = among[2, 1] = True
    scores = np.asarray(model.score(photos, among))
    assert (scores[~among] == -np.inf).all()
    asked = [(photos[row], NAMES[column]) for row, column in zip(*np.nonzero(among), strict=True)]
    wanted = np.array([-loss(*each) for each in asked])
    np.testing.assert_allclose(scores[among], wanted, atol=1e-4)
    # The power: other photos, the sum in place of the mean, and the question's tokens too make other numbers.
    assert np.abs(scores[0, [0, 2, 4]] - scores[1, [0, 2, 4]]).min() > 1e-2
    lengths = np.array([1 + len(name.split()) for _, name in asked])
    assert np.abs(scores[among] - wanted * lengths).min() > 0.1
    assert np.abs(scores[0, 0] + loss(*asked[0], of_the_answer=False)) > 1e-2
    assert model.description["prompt"] == f"USER: <image>\n{lvlm.QUESTION} ASSISTANT:"
    json.dumps(model.description)


def test_photos_are_read_as_they_lie(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    Image.new("L", (30, 20), 7).save(tmp_path / "photo.jpg", exif=exif)
    assert lvlm.read(tmp_path / "photo.jpg").shape == (20, 30, 3)


def test_a_cache_that_changes_the_answers_is_told(tmp_path, monkeypatch):
    """As with a model whose prompt attends both ways, or that keeps more than keys and values."""
    make(tmp_path)
    repeat = DynamicCache.batch_repeat_interleave

    def broken(self, repeats):
        repeat(self, repeats)
        self.layers[0].keys = 0.9 * self.layers[0].keys

    monkeypatch.setattr(DynamicCache, "batch_repeat_interleave", broken)
    with pytest.raises(InputError, match=r"cannot be loaded \(the loss after its cache is \d.*, without one \d.*\)$"):
        lvlm.load(str(tmp_path), QUESTION)


def test_other_models_are_told(tmp_path, monkeypatch):
    make(tmp_path)
    with pytest.raises(InputError, match=r"^lvlm:.*nowhere: cannot be loaded \(.*\)$"):
        lvlm.load(str(tmp_path / "nowhere"), QUESTION)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(InputError, match="cannot be loaded"):
        lvlm.load(str(tmp_path), QUESTION)
    importing = builtins.__import__
    monkeypatch.setattr("importlib.import_module", lambda name: importing(f"missing_{name}"))
    with pytest.raises(InputError, match=r'^lvlm:x: needs torch; .* -e "\.\[lvlm\]" installs it$'):
        lvlm.load("x", QUESTION)


def test_equal_answers_have_one_loss(tmp_path):
    """To the last bit, wherever they lie among the answers that are asked for together."""
    make(tmp_path)
    model = lvlm.load(str(tmp_path), QUESTION)
    assert model.description["indistinguishable"] == [[place, *range(place + 5, 20, 5)] for place in range(5)]
    among = np.ones((1, 20), bool)
    scores = model.score(pictures()[:1], among)[0]
    assert scores.tolist() == [*scores[:5].tolist()] * 4 and len(set(scores.tolist())) == 5
    among[0, :7] = False  # the first of each name is none of the photo's candidates, but for two names the second
    again = model.score(pictures()[:1], among)[0]
    assert (again[:7] == -np.inf).all()
    np.testing.assert_allclose(again[7:], scores[7:], atol=1e-5)  # other batches: single precision
