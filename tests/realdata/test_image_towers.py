"""CLIPs whose image tower is no vision transformer, as models to evaluate."""

import numpy as np
import pytest

from realdata.evaluate.activations import activation_notes
from realdata.models.loading import Loading
from realdata.models.model import EmbeddingModel, Question
from realdata.models.registry import load_model
from tests.pretrained.test_resnet import SIDE, make
from workbench import hosts

QUESTION = Question([0, 1, 2], ["zero", "one", "two"], ["A photo of {}."])


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "resnet50_clip.openai").mkdir()
    make(tmp_path / "resnet50_clip.openai")
    return tmp_path / "resnet50_clip.openai"


@pytest.mark.slow
def test_only_the_texts_of_a_resnet_have_two_activations(folder):
    model = load_model(str(folder), QUESTION, Loading(both_activations=True))
    assert model.description["activations"] == ["gelu", "quick_gelu"]
    assert model.description["image_tower"]["kind"] == "ResNet"
    photos = list(np.random.default_rng(0).integers(0, 256, (5, SIDE, SIDE, 3), dtype=np.uint8))
    plain, quick = model.models.values()
    assert isinstance(plain, EmbeddingModel)
    np.testing.assert_array_equal(plain.embed_images(photos), quick.embed_images(photos))
    scores = np.asarray(model.score(photos, np.ones((5, 6), bool)))
    np.testing.assert_allclose(scores[:, :3], plain.embed_images(photos) @ plain.prompts.T, atol=1e-6)
    assert scores.shape == (5, 6) and np.abs(scores[:, :3] - scores[:, 3:]).max() > 1e-4


def test_a_resnet_whose_files_say_another_activation_is_told(folder):
    model = load_model(str(folder), QUESTION, Loading())
    (told,) = activation_notes(str(folder), model.description)
    assert "was trained with quick_gelu, by its name" in told and "runs with gelu, by its configuration" in told


@pytest.mark.parametrize(("free", "photos"), [(2**40, 64), (2**23, 8), (0, 1)])
def test_a_batch_is_as_large_as_memory_holds(folder, monkeypatch, free, photos):
    """Half of 8 MB: a photo takes 4 x (4 x 8 channels x 32 x 32 places + 4 x 3 x 64 x 64) = 328 kB."""
    monkeypatch.setattr(hosts, "available_bytes", lambda: free)
    assert load_model(str(folder), QUESTION, Loading()).batch_size == photos
