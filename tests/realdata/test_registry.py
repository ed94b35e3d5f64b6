"""The paper's names: every model of its tables is known, and means what the table of checkpoints says."""

import json

import pandas as pd
import pytest

from published.directory import DIRECTORY
from realdata.models.loading import Loading
from realdata.models.model import Question
from realdata.models.program import main
from realdata.models.registry import find_published, load_model, place_of, published_models
from workbench.errors import InputError


def test_every_model_of_the_tables_has_a_name_but_one_that_is_in_no_library():
    results = pd.read_csv(DIRECTORY / "results.csv", keep_default_na=False)
    missing = set()
    for backbone, pretrain in results[["backbone", "pretrain"]].drop_duplicates().itertuples(index=False):
        name = "-".join(part for part in (backbone, pretrain) if part)
        try:
            found = find_published(f"paper:{name}")
        except InputError:
            missing.add(name)
        else:
            assert (found.backbone, found.pretrain) == (backbone, pretrain)
    assert missing == {"MiniGPT4-Vicuna7B"}


@pytest.mark.parametrize(
    ("name", "model", "activation"),
    [
        # The example of the README: Table 6's checkpoint of the model that selected the photos.
        ("ViT/B/32-LAION400M", "timm/vit_base_patch32_clip_224.laion400m_e31", "quick_gelu"),
        ("ViT/B/32-LAION400M-E32", "timm/vit_base_patch32_clip_224.laion400m_e32", "quick_gelu"),
        ("vit/b/16-datacomp1b-l-s1b-b8k", "laion/CLIP-ViT-B-16-DataComp.L-s1B-b8K", "gelu"),
        ("RN50-OpenAI", "timm/resnet50_clip.openai", "quick_gelu"),
        ("ConvNext/BW-LAION2B", "laion/CLIP-convnext_base_w-laion2B-s13B-b82K", "gelu"),
        ("RN50-ImageNet1K", "torchvision:resnet50", None),
        ("LLaVA1.5-7B", "lvlm:llava-hf/llava-1.5-7b-hf", None),
    ],
)
def test_names_mean_what_the_tables_say(name, model, activation):
    found = find_published(name)
    assert (found.model, found.activation) == (model, activation)


def test_a_published_model_can_come_from_a_place_on_disk(tmp_path):
    """The place is among what decides an evaluation's numbers, so that other files there begin it anew."""
    assert find_published(f"paper:RN50-OpenAI@{tmp_path}") == find_published("RN50-OpenAI")
    assert place_of(f"paper:RN50-OpenAI@{tmp_path}") == place_of(str(tmp_path)) == tmp_path
    for name in ("paper:RN50-OpenAI", "owner/name@main", "torchvision:resnet50", "paper:RN50-OpenAI@nowhere"):
        assert place_of(name) is None
    with pytest.raises(InputError, match=r"^`model`: nowhere is no file and no directory$"):
        load_model("paper:RN50-OpenAI@nowhere", Question([0], ["a"], ["{}"]), Loading())


def test_names_are_told_apart():
    names = [model.name for model in published_models()]
    assert len(set(names)) == len(names) and len({model.model for model in published_models()}) == len(names)


def test_unknown_names_are_told():
    with pytest.raises(InputError, match=r"paper:ViT/B/99-LAION is no model .* realdata\.models lists them"):
        find_published("paper:ViT/B/99-LAION")
    with pytest.raises(InputError, match="no library has MiniGPT-4"):
        find_published("paper:MiniGPT4-Vicuna7B")


def test_the_list_is_printed(capsys):
    assert main(["--json", "-"]) == 0
    listed = json.loads(capsys.readouterr().out)["models"]
    assert len(listed) == len(published_models())
    assert {each["run_by"] for each in listed} == {"JAX, here", "transformers"}
    assert main([]) == 0
    assert "ViT/bigG/14-LAION2B" in capsys.readouterr().out
