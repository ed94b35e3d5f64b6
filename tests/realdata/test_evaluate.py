"""The evaluator on exported digits whose truth is known, and its numbers against an independent recomputation."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from published.directory import DIRECTORY
from realdata.evaluate.program import main
from sims.colored_digits.export import main as export_digits
from tests.conftest import ROOT, free_port, single_precision

# Processes that decode start in longer than it takes to decode these photos; tests that are about them ask for two.
EVALUATE = ("realdata.evaluate", "--data", "export/photos", "--model", "export/model", "--workers", "0",
            "--names", "export/names.txt")  # fmt: skip
WORKERS = ("--workers", "2")


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """Digits as photos and a CLIP trained on such, so briefly that each group has photos it is right on and wrong on.

    Its answers are no close ones: the best is ahead of the next by 1e-4, a thousand times what rounding does.
    """
    folder = tmp_path_factory.mktemp("digits") / "export"
    options = ("--classes", "3", "--spurious-ratio", "0.7", "--steps", "12", "--photos", "20", "--out", str(folder))
    with single_precision():
        assert export_digits(list(options)) == 0
    return folder


@pytest.fixture
def beside(export, tmp_path):
    """The export, as a copy that a test may spoil."""
    shutil.copytree(export, tmp_path / "export")
    return tmp_path


def test_it_finds_what_the_simulation_measured_photo_for_photo(call_program, beside):
    done = call_program(*EVALUATE, *WORKERS, "--json", "-", "--batch-size", "7")
    assert done.returncode == 0, done.stderr
    found = pd.read_csv(beside / "results" / "evaluate" / "predictions.csv").sort_values("path")
    truth = pd.read_csv(beside / "export" / "truth.csv").sort_values("path")
    for column in truth.columns:
        assert found[column].tolist() == truth[column].tolist(), column
    for _, right in truth.groupby("group").correct:
        assert 0 < right.mean() < 1  # or any answer would do
    content = json.loads(done.stdout)
    for group, accuracy in json.loads((beside / "export" / "export.json").read_text())["accuracy"].items():
        assert content["groups"][group]["accuracy"] == pytest.approx(accuracy)
    assert content["setup"] == "1v3" and content["unreadable"] == []
    check(content, found)
    assert json.loads((beside / "results" / "evaluate" / "summary.json").read_text()) == content
    assert {path.name for path in (beside / "results" / "evaluate").iterdir()} == {
        "predictions.csv", "summary.json", "evaluation.png", "flips.png"
    }  # fmt: skip


def check(content, predictions):
    """Every number of a summary, from the predictions alone, in plain NumPy."""
    shares = {}
    for group in ("common", "counter"):
        part = predictions[predictions.group == group]
        shares[group] = {index: 100 * rows.correct.mean() for index, rows in part.groupby("class_index")}
        assert content["groups"][group]["accuracy"] == pytest.approx(np.mean(list(shares[group].values())))
        assert content["groups"][group]["accuracy_unbalanced"] == pytest.approx(100 * part.correct.mean())
        assert content["groups"][group]["photos"] == len(part)
        low, high = content["groups"][group]["interval"]
        assert low <= content["groups"][group]["accuracy"] <= high
    drop = np.mean([shares["common"][index] - shares["counter"][index] for index in shares["common"]])
    assert content["drop"]["value"] == pytest.approx(drop)
    for row in content["classes"]:
        of_class = predictions[predictions.class_index == row["class_index"]]
        for group in ("common", "counter"):
            assert row[group] == pytest.approx(shares[group][row["class_index"]])
            assert row[f"{group}_photos"] == (of_class.group == group).sum()
    for group, cell in content["worst_class"].items():
        assert cell["accuracy"] == pytest.approx(min(shares[group].values()))
        assert shares[group][cell["class_index"]] == pytest.approx(cell["accuracy"])
    assert content["worst_group"]["accuracy"] == pytest.approx(min(min(each.values()) for each in shares.values()))


def test_layouts_of_both_versions_and_other_names_are_read(call_program, beside, undrawn):
    """easy- and hard- for common- and counter-, a folder around it all, and a mapping for foreign class folders."""
    photos = beside / "export" / "photos"
    for path in list(photos.glob("*/*")):
        path.rename(path.with_name(path.name.replace("common-", "easy-").replace("counter-", "hard-")))
    (photos / "0 zero").rename(photos / "null")
    (beside / "mapping.csv").write_text("folder,class_index\nnull,0\n")
    (beside / "around").mkdir()
    photos.rename(beside / "around" / "LAION-final")
    done = call_program(*EVALUATE, "--data", "around", "--classes", "mapping.csv", "--json", "-")
    assert done.returncode == 0, done.stderr
    truth = json.loads((beside / "export" / "export.json").read_text())["accuracy"]
    content = json.loads(done.stdout)
    assert content["groups"]["counter"]["accuracy"] == pytest.approx(truth["counter"])
    assert content["warnings"] == []


def test_what_does_not_fit_is_told(call_program, beside, undrawn):
    """A class with one group, and digits that are taken for ImageNet's classes of the same number."""
    shutil.rmtree(next((beside / "export" / "photos").glob("2 two/counter-*")))
    done = call_program(*EVALUATE[:-2], "--json", "-")
    assert done.returncode == 0, done.stderr
    warnings = json.loads(done.stdout)["warnings"]
    assert "'0 zero' is taken for class 0, 'tench', by its number" in warnings
    assert any(warning.startswith("'2 two' has no counter photos") for warning in warnings)


def test_what_cannot_be_decoded_is_named_and_left_out(call_program, beside, undrawn):
    paths = sorted((beside / "export" / "photos").rglob("*.png"))
    paths[0].write_bytes(paths[0].read_bytes()[:40])
    paths[1].write_bytes(b"")
    paths[2].write_text("no picture")
    done = call_program(*EVALUATE, *WORKERS, "--json", "-")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    root = beside / "export" / "photos"
    assert [each["path"] for each in content["unreadable"]] == [path.relative_to(root).as_posix() for path in paths[:3]]
    predictions = pd.read_csv(beside / "results" / "evaluate" / "predictions.csv")
    assert len(predictions) == len(paths) - 3
    check(content, predictions)


def spoil_group(root):
    for path in list(root.glob("photos/*/counter-*")):
        shutil.rmtree(path)


SPOILT = {
    "an unknown class": (lambda root: (root / "photos" / "unicorn").mkdir(), ["'unicorn'", "--classes"]),
    "an unknown group": (lambda root: (root / "photos" / "0 zero" / "rare-red").mkdir(), ["rare-red", "common-"]),
    "one group missing": (spoil_group, ["no counter photos"]),
    "no photos": (lambda root: [shutil.rmtree(path) for path in root.glob("photos/*/*")], ["holds no photo"]),
    "no model": (lambda root: shutil.rmtree(root / "model"), ["--model", "no directory"]),
    "no names": (lambda root: (root / "names.txt").unlink(), ["--names", "no such file"]),
    "wrong names": (lambda root: (root / "names.txt").write_text("0\tzero\none\n"), ["line 2", "index<TAB>name"]),
}


@pytest.mark.parametrize("name", SPOILT)
def test_wrong_input_gets_one_line_and_leaves_earlier_results(refuses, beside, name):
    spoil, words = SPOILT[name]
    spoil(beside / "export")
    earlier = beside / "results" / "evaluate" / "summary.json"
    earlier.parent.mkdir(parents=True)
    earlier.write_text("{}")
    refuses(main, *EVALUATE[1:], words=words)
    assert earlier.read_text() == "{}" and len(list(earlier.parent.iterdir())) == 1


def test_a_prompt_without_a_place_for_the_name_is_refused(refused, beside):
    refused(*EVALUATE, "--prompt", "a photo", words=["--prompt", "{}", "a photo"])


def test_a_photo_is_classified_among_its_twenty(call_program, beside, undrawn):
    """1 vs. 20 on digits in the place of two classes of CounterAnimal: every answer is on its class's list."""
    photos = beside / "export" / "photos"
    (photos / "0 zero").rename(photos / "9 ostrich")
    (photos / "1 one").rename(photos / "10 brambling")
    shutil.rmtree(photos / "2 two")
    (beside / "prompts.txt").write_text("A photo of {}.\nA {} indeed.\n")
    options = ("--setup", "1v20", "--prompt", "prompts.txt", "--json", "-")
    done = call_program(*EVALUATE[:-2], *options)
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["setup"] == "1v20" and content["templates"] == ["A photo of {}.", "A {} indeed."]
    predictions = pd.read_csv(beside / "results" / "evaluate" / "predictions.csv")
    lists = pd.read_csv(DIRECTORY / "candidates_1v20.csv").groupby("imagenet_index").candidate_index.agg(set)
    assert all(row.predicted_index in lists[row.class_index] for row in predictions.itertuples())
    check(content, predictions)


@pytest.mark.slow
def test_several_devices_and_processes_answer_as_one_does(run_program, call_program, beside, monkeypatch):
    """Batches split over three devices, the last one short; photos shared by two processes."""
    assert call_program(*EVALUATE, *WORKERS, "--out", "one").returncode == 0
    one = pd.read_csv(beside / "one" / "predictions.csv")
    monkeypatch.setenv("XLA_FLAGS", f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count=3")
    assert run_program(*EVALUATE, "--batch-size", "7", "--out", "devices").returncode == 0
    where = ["--coordinator", f"127.0.0.1:{free_port()}", "--processes", "2", "--process"]
    command = [sys.executable, "-m", *EVALUATE, "--out", "processes", *where]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    started = [
        subprocess.Popen([*command, str(n)], cwd=beside, env=environment, stdout=subprocess.PIPE, text=True)
        for n in range(2)
    ]
    outputs = [process.communicate(timeout=120)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0]
    assert "Written to processes" in outputs[0] and outputs[1] == ""
    for name in ("devices", "processes"):
        found = pd.read_csv(beside / name / "predictions.csv")
        assert found.drop(columns="score").equals(one.drop(columns="score")), name
        np.testing.assert_allclose(found.score, one.score, atol=1e-5)  # single precision, sums in another order
        assert not list((beside / name).glob(".unfinished*"))


def test_candidates_come_from_another_model_and_what_is_overridden_is_told(call_program, beside, undrawn):
    options = ("--candidates-from", "export/model", "--activation", "gelu", "--dtype", "bfloat16", "--json", "-")
    done = call_program(*EVALUATE, *options)
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["setup"] == "1v3" and content["candidates_from"] == "export/model"  # three names, not twenty
    assert content["overridden"] == ["activation"] and content["dtype"] == "bfloat16"
    assert content["image_tower"]["activation"] == content["text_tower"]["activation"] == "gelu"
    lists = pd.read_csv(beside / "results" / "evaluate" / "candidates.csv")
    assert lists.groupby("imagenet_index").candidate_index.agg(sorted).tolist() == [[0, 1, 2]] * 3


def masks_of_ink(photos, masks):
    """Where a digit is wholly inked, so that nothing of its background is in the pixel."""
    for path in photos.rglob("*.png"):
        with Image.open(path) as image:
            ink = np.asarray(image.convert("RGB")).min(axis=2) == 255
        place = masks / path.relative_to(photos)
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.uint8(255 * ink)).save(place)


def test_without_their_background_both_groups_are_the_same_photos(call_program, beside, undrawn):
    """The truth: both groups show the same digits, so that without the colour no drop is left."""
    masks_of_ink(beside / "export" / "photos", beside / "masks")
    done = call_program(*EVALUATE, "--mask", "masks", "--json", "-")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["mask"] == {"folder": "masks", "fill": "grey"} and content["unreadable"] == []
    assert content["drop"]["value"] == 0.0 and any("were masked out (grey)" in each for each in content["warnings"])
    truth = json.loads((beside / "export" / "export.json").read_text())["accuracy"]
    assert truth["common"] - truth["counter"] > 10
    found = pd.read_csv(beside / "results" / "evaluate" / "predictions.csv")
    answers = found.pivot(index="path", columns="group", values="predicted_index")
    assert (answers["common"].dropna().to_numpy() == answers["counter"].dropna().to_numpy()).all()
    # The background's own colour in its place is the background again.
    done = call_program(*EVALUATE, "--mask", "masks", "--fill", "mean", "--json", "-")
    assert json.loads(done.stdout)["drop"]["value"] > 10
    refused = call_program("realdata.claims", "--with", "results/evaluate")
    assert refused.returncode == 2 and "photos without background" in refused.stderr


def test_masks_that_lack_or_exceed_a_photo_are_told(refuses, beside):
    photos, masks = beside / "export" / "photos", beside / "masks"
    masks_of_ink(photos, masks)
    first = min(path.relative_to(masks).as_posix() for path in masks.rglob("*.png"))
    (masks / first).rename(masks / "other.png")
    refuses(main, *EVALUATE[1:], "--mask", "masks", words=["--mask", "1 photos have no mask", first])
    (masks / "other.png").rename(masks / first)
    shutil.copy(masks / first, masks / "other.png")
    refuses(main, *EVALUATE[1:], "--mask", "masks", words=["--mask", "1 masks have no photo", "other.png"])
    refuses(main, *EVALUATE[1:], "--mask", "nowhere", words=["--mask", "nowhere is no directory"])


REFUSED = {
    "no model": (["--model"], ["expected one argument"]),
    "an activation that there is not": (["--activation", "relu"], ["--activation", "'relu'"]),
    "two channels": (["--mean", "0.5,0.5"], ["--mean", "three numbers"]),
    "no batch": (["--batch-size", "0"], ["--batch-size", "0"]),
    "a picture smaller than a patch": (["--image-size", "1"], ["--image-size", "at least a patch's side"]),
    "no tokenizer there": (["--tokenizer", "export"], ["export", "tokenizer.json"]),
    "a place that is a file": (["--out", "export/names.txt"], ["--out", "is not a directory"]),
    "all candidates and some": (["--setup", "1v1000", "--candidates-from", "a"], ["--candidates-from", "1v1000"]),
    "candidates from nowhere": (["--candidates-from", "nowhere"], ["--candidates-from: nowhere"]),
    "no mapping": (["--classes", "a.csv"], ["--classes", "a.csv: no such file"]),
    "scores as well": (["--scores", "a.npz"], ["--scores", "not allowed with", "--model"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_wrong_options_are_told(refuses, beside, name):
    options, words = REFUSED[name]
    refuses(main, *EVALUATE[1:], *options, words=words)


def test_photos_of_no_group_yet_are_predicted_and_curated(call_program, beside, undrawn):
    """Folders of class and background alone; the rule then finds each class's own colour as the common one."""
    photos = beside / "export" / "photos"
    truth = pd.read_csv(beside / "export" / "truth.csv").set_index("path")
    for path in list(photos.glob("*/*")):
        path.rename(path.with_name(path.name.partition("-")[2]))
    done = call_program(*EVALUATE, "--uncurated")
    assert done.returncode == 0, done.stderr
    assert "Next: python -m realdata.curate --predictions results/evaluate/predictions.csv" in done.stdout
    assert [path.name for path in (beside / "results" / "evaluate").iterdir()] == ["predictions.csv"]
    names = ("--names", "export/names.txt", "--threshold", "50", "--json", "-")
    curated = call_program("realdata.curate", "--predictions", "results/evaluate/predictions.csv", *names)
    assert curated.returncode == 0, curated.stderr
    shares = (
        truth.groupby(["class_index", "group", "background"]).correct.mean().unstack("group").groupby("class_index")
    )
    wide = {index for index, cells in shares if cells["common"].max() - cells["counter"].min() > 0.5}
    kept = pd.read_csv(beside / "results" / "curate" / "photos.csv")
    assert set(kept.class_index) == wide and len(wide) > 0
    for path, group in zip(kept.path, kept.group, strict=True):
        folder, background, name = path.split("/")
        assert truth.at[f"{folder}/{group}-{background}/{name}", "group"] == group
