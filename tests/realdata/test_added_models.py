"""Models that were evaluated here beside the published ones: how they are read, and what the claims say of them."""

import json

import numpy as np
import pandas as pd
import pytest

from published.directory import DIRECTORY
from published.tables import read_published_tables
from realdata.claims.added_models import not_asked, read_added_models
from realdata.claims.evaluate import evaluate_added
from realdata.claims.program import main
from workbench.errors import InputError
from workbench.results import to_json, write_files

CLASSES = pd.read_csv(DIRECTORY / "classes.csv")


def evaluation(
    folder, common=80.0, counter=60.0, model="laion/some-clip", kind="jax", setup="1v1000", prompt="A photo of {}."
):
    """A folder as realdata.evaluate writes it, every class of CounterAnimal as accurate as its group."""
    groups = {"common": common, "counter": counter}
    content = {
        "model": model,
        "kind": kind,
        "setup": setup,
        "prompt": prompt,
        "groups": {
            name: {"accuracy": value, "interval": [value - 1, value + 1], "accuracy_unbalanced": value + 2}
            for name, value in groups.items()
        },
        "drop": {"value": common - counter, "interval": [common - counter - 1.5, common - counter + 1.5]},
        "classes": [
            {"class_index": row.imagenet_index, "label": row.label, **groups,
             "common_photos": row.common_photos, "counter_photos": row.counter_photos}
            for row in CLASSES.itertuples()
        ],
        "effective_robustness": {"value": 1.0, "interval": [-1.0, 3.0], "p_value": 0.3, "extrapolated": False},
        "reliance": {"value": 0.5, "standard_error": 0.1, "interval": [0.3, 0.7]},
    }  # fmt: skip
    write_files(folder, {"summary.json": to_json(content)})
    return folder


def test_what_an_evaluation_says_is_read(tmp_path):
    folders = [
        evaluation(tmp_path / "a"),
        evaluation(tmp_path / "b", model="checkpoints/mine/some-clip", prompt="openai80"),
        evaluation(tmp_path / "c", model="paper:ViT/L/14-OpenAI", setup="1v20"),
        evaluation(tmp_path / "d", model="torchvision:resnet50", kind="torchvision", prompt=None),
    ]
    first, second, third, fourth = read_added_models(folders)
    # Two models of one name are told apart by their folders.
    assert first.name == f"some-clip ({tmp_path / 'a'})" and second.name == f"some-clip ({tmp_path / 'b'})"
    assert (first.prompt, second.prompt, fourth.prompt) == ("simple", "openai80", "none")
    assert (third.backbone, third.pretrain, third.family, third.setup) == ("ViT/L/14", "OpenAI", "clip", "1v20")
    assert (fourth.family, fourth.accuracies["unbalanced"]) == ("imagenet", (82.0, 62.0))
    assert first.intervals["drop"] == (18.5, 21.5) and len(first.classes) == 45


def test_one_clip_is_asked_for_its_drop_and_its_robustness(tmp_path):
    line = read_published_tables().results.query("table == '4'")
    slope, intercept = np.polyfit(*(np.log(line[g] / (100 - line[g])) for g in ("common", "counter")), 1)
    on_line = 100 / (1 + np.exp(-(intercept + slope * np.log(80 / 20))))
    for shift, expected in ((0.0, "inconclusive"), (-15.0, "supported"), (15.0, "not supported")):
        tests = evaluate_added(read_added_models([evaluation(tmp_path / str(shift), counter=on_line + shift)]))
        (drop, unbalanced) = [t for t in tests if t.claim == "C1"]
        assert {t.source for t in tests} == {"added"} and drop.tables == ()
        photos = [CLASSES[f"{g}_photos"] for g in ("common", "counter")]
        shares = [0.8, (on_line + shift) / 100]
        variance = sum(p * (1 - p) * (1 / n).sum() / 45**2 for p, n in zip(shares, photos, strict=True))
        assert drop.stderr == pytest.approx(100 * np.sqrt(variance))
        assert unbalanced.setting["averaging"] == "unbalanced"
        robustness = next(t for t in tests if t.claim == "C2" and t.setting["averaging"] == "balanced")
        assert robustness.effect == pytest.approx(shift, abs=1e-9) and robustness.verdict == expected
        assert robustness.tables == ("4",)


def test_clips_of_the_papers_names_are_compared_by_size(tmp_path):
    sizes = {"ViT/B/16": 20.0, "ViT/L/14": 15.0, "ViT/L/14-336": 13.0}
    folders = [
        evaluation(tmp_path / f"{number}", counter=80.0 - drop, model=f"paper:{name}-OpenAI")
        for number, (name, drop) in enumerate(sizes.items())
    ]
    folders.append(evaluation(tmp_path / "other", counter=10.0))  # of unknown size: it says nothing here
    tests = evaluate_added(read_added_models(folders))
    row = next(t for t in tests if t.question == "model size: drop" and t.setting["averaging"] == "balanced")
    assert len(row.models) == 3 and row.effect < 0
    drops = [row for row in tests if row.claim == "C1"]
    assert len(drops) == 4 * 2 and all(len(row.models) == 1 for row in drops)  # each alone, averaged in both ways


def test_what_is_not_asked_of_a_model_is_told(tmp_path):
    folders = [
        evaluation(tmp_path / "scores", model="scores.npz", kind="scores"),
        evaluation(tmp_path / "rn", model="torchvision:resnet50", kind="torchvision", prompt=None),
        evaluation(tmp_path / "few", setup="1v4"),
    ]
    models = read_added_models(folders)
    reasons = {each["question"]: each["reason"] for each in not_asked(models, read_published_tables())}
    assert list(reasons) == ["scores.npz", "torchvision:resnet50", "some-clip, effective robustness"]
    assert "not known" in reasons["scores.npz"] and "1v4" in reasons["some-clip, effective robustness"]
    assert {(test.claim, test.models[0]["backbone"]) for test in evaluate_added(models)} == {("C1", "some-clip")}


def test_a_folder_that_is_no_evaluation_is_told(tmp_path, refuses):
    refuses(main, "--with", tmp_path, words=["--with", "summary.json is missing", "realdata.evaluate"])
    path = evaluation(tmp_path / "mine") / "summary.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({key: value for key, value in content.items() if key != "drop"}))
    refuses(main, "--with", path.parent, words=["summary.json is of another version", "'drop'"])
    path.write_text("{")
    refuses(main, "--with", path.parent, words=["holds no summary"])
    path.write_text(json.dumps(content | {"model": "paper:ViT/Z/99-OpenAI"}))
    with pytest.raises(InputError, match="paper:ViT/Z/99-OpenAI"):
        read_added_models([path.parent])
