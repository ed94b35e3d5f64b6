"""A replication on made photos with made weights: what is evaluated, compared, resumed, told and refused."""

import contextlib
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.torch import save_file
from scipy.stats import norm

from pretrained import huggingface
from pretrained.imagenet.load import ARCHITECTURES
from pretrained.imagenet.resnet import ResNetConfig
from published.directory import DIRECTORY
from published.tables import read_published_tables
from realdata.audit.audit import audit_tables
from realdata.claims.added_models import read_added_models
from realdata.evaluate.predictions import read_predictions
from realdata.replicate import run as running
from realdata.replicate.claims import ask_both
from realdata.replicate.comparison import Measured, compare
from realdata.replicate.config import TABLES, ReplicationConfig
from realdata.replicate.display import show
from realdata.replicate.figure import draw
from realdata.replicate.plan import plan, tasks_of
from realdata.replicate.result import Failure, Replication
from sims.clip.model import tiny_clip
from tests.pretrained.imagenet_references import ResNet, randomised
from tests.realdata.made import made_photos
from tests.realdata.test_added_models import evaluation
from workbench.errors import InputError
from workbench.results import write_files

LAYOUT = {
    "9 ostrich": ("ground", "water"),
    "10 brambling": ("grass", "sky"),
    "16 bulbul": ("sky", "grass"),
}
SMALL = (1, 1, 1, 1), False, 4  # sizes of the ResNet
CLIPS = ("ViT/B/32-LAION400M", "ViT/L/14-OpenAI")
MODELS = (*CLIPS, "ViT/B/16-OpenAI", "RN18-ImageNet1K")  # the third one's folder holds no checkpoint
COMMAND = ("realdata.replicate", "--data", "photos", "--checkpoints", "checkpoints", "--workers", "0", "--out", "out")
PRINTED = read_published_tables()


def write_clip(folder, seed):
    made = tiny_clip(12, [f"A photo of {name}." for name in ("ostrich", "goldfish", "great white shark")], seed)
    write_files(folder, huggingface.files(made))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Photos, and two CLIPs: one by its name on the hub, one by the paper's."""
    folder = tmp_path_factory.mktemp("replicate")
    made_photos(folder / "photos", LAYOUT, 4)
    write_clip(folder / "checkpoints" / "vit_base_patch32_clip_224.laion400m_e31", 0)
    write_clip(folder / "checkpoints" / "ViT-L-14-OpenAI", 1)
    (folder / "checkpoints" / "openai" / "clip-vit-base-patch16").mkdir(parents=True)
    weights = randomised(ResNet(*SMALL, 1000)).state_dict()
    save_file({key: value.contiguous() for key, value in weights.items()}, folder / "checkpoints/resnet18.safetensors")
    return folder


@pytest.fixture
def beside(made, tmp_path):
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def asked(monkeypatch):
    """The models that the evaluator is asked for, in order."""
    found, whole = [], running.evaluate

    def evaluate(config, out, data):
        found.append(config.model)
        return whole(config, out, data)

    monkeypatch.setattr(running, "evaluate", evaluate)
    return found


def test_models_are_evaluated_and_compared_and_one_that_cannot_be_is_told(
    call_program, beside, asked, undrawn, monkeypatch
):
    monkeypatch.setitem(ARCHITECTURES, "resnet18", ResNetConfig(*SMALL))
    done = call_program(*COMMAND, "--models", ",".join(MODELS))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "1 models were not evaluated: ViT/B/16-OpenAI; the same" in done.stderr
    lines = [line for line in done.stdout.splitlines() if "/4 " in line]
    assert len(lines) == 4 and "no such checkpoint" in next(line for line in lines if "B/16" in line)
    content = json.loads((beside / "out" / "replication.json").read_text())
    assert [each["model"] for each in content["failures"]] == ["ViT/B/16-OpenAI"] and content["claims"] == []
    frame = pd.read_csv(beside / "out" / "replication.csv")
    assert len(frame) == 9 and set(frame.model) == {*CLIPS, "RN18-ImageNet1K"} and set(frame.table) == {3, 4}
    for row in frame.itertuples():
        check_row(row, comparisons=9)
    inside = int(frame[frame.quantity == "drop"].inside.sum())
    assert content["counts"]["drop"] == {"numbers": 3, "inside": inside, "equal": 0}
    assert "python -m paper_figs --with out --out out/report" in " ".join(done.stdout.split())
    # The paper's own activation, not the file's.
    folder = beside / "out" / "evaluations" / "ViT-B-32-LAION400M-1v1000-simple"
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["image_tower"]["activation"] == "quick_gelu" and summary["published"][0]["table"] == "3"
    added = read_added_models([beside / "out"])
    assert {(model.backbone, model.family, model.prompt) for model in added} == {
        ("ViT/B/32", "clip", "simple"),
        ("ViT/L/14", "clip", "simple"),
        ("RN18", "imagenet", "none"),
    }


def check_row(row, comparisons):
    """A row from its model's predictions, in plain NumPy, and from the file of the tables."""
    predictions = read_predictions(Path(row.folder))
    values, variances = [], []
    for group in ("common", "counter"):
        own = predictions[predictions.group == group].groupby("class_index").correct
        photos, shares = own.size().to_numpy(), own.mean().to_numpy()
        values.append(100 * shares.mean())
        held = np.clip(shares, 0.5 / photos, 1 - 0.5 / photos)
        variances.append(100**2 * np.sum(held * (1 - held) / photos) / len(photos) ** 2)
    value, variance = {
        "common": (values[0], variances[0]),
        "counter": (values[1], variances[1]),
        "drop": (values[0] - values[1], sum(variances)),
    }[row.quantity]
    half = norm.ppf(1 - 0.05 / 2 / comparisons) * np.sqrt(variance)
    backbone, _, pretrain = row.model.rpartition("-")
    table = PRINTED.results
    of_model = table[(table.table == str(row.table)) & (table.backbone == backbone) & (table.pretrain == pretrain)]
    printed = float(of_model[row.quantity].item())
    assert (row.printed, row.measured) == pytest.approx((printed, value))
    assert (row.low, row.high) == pytest.approx((value - half, value + half))
    assert row.difference == pytest.approx(value - printed)
    assert row.inside == (row.low <= printed <= row.high)


def test_what_is_finished_is_not_done_again_after_a_stop(call_program, beside, asked, monkeypatch, undrawn):
    whole = running.evaluate

    def stopped(config, out, data):
        if len(asked) == 1:
            raise KeyboardInterrupt("stopped after 3 of 24 photos; the same command continues from there")
        return whole(config, out, data)

    monkeypatch.setattr(running, "evaluate", stopped)
    done = call_program(*COMMAND, "--models", ",".join(CLIPS))
    assert done.returncode == 130 and "stopped after 3" in done.stderr
    monkeypatch.setattr(running, "evaluate", whole)
    first = {path: path.stat().st_mtime_ns for path in beside.glob("out/evaluations/*/*")}
    done = call_program(*COMMAND, "--models", ",".join(CLIPS), "--json", "-")
    assert done.returncode == 0, done.stderr
    assert [name.partition("@")[0].removeprefix("paper:") for name in asked] == list(CLIPS)
    assert all(path.stat().st_mtime_ns == time for path, time in first.items()) and first
    # Two tables that differ in the average alone share the evaluations, of which none is left.
    done = call_program(*COMMAND, "--models", ",".join(CLIPS), "--table", "3,11")
    assert done.returncode == 0 and len(asked) == 2 and done.stdout.count("made before") == 2
    frame = pd.read_csv(beside / "out" / "replication.csv")
    assert sorted(set(zip(frame.table, frame.averaging, strict=True))) == [(3, "balanced"), (11, "unbalanced")]


@pytest.fixture(scope="module")
def finished(made, tmp_path_factory):
    """A replication of the second CLIP alone, that is finished."""
    folder = tmp_path_factory.mktemp("finished")
    shutil.copytree(made, folder, dirs_exist_ok=True)
    with contextlib.chdir(folder):
        config = ReplicationConfig(Path("photos"), models=CLIPS[1:], checkpoints=Path("checkpoints"), workers=0)
        running.replicate(config, Path("out")).save(Path("out"))
    return folder


@pytest.fixture
def again(finished, tmp_path):
    """It, as a copy that a test may spoil."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_other_files_of_a_model_are_another_evaluation(call_program, again, asked, undrawn):
    command = (*COMMAND, "--models", CLIPS[1])
    done = call_program(*command)
    assert done.returncode == 0 and "drop" in done.stdout and "made before" in done.stdout and not asked, done.stderr
    (again / "checkpoints").rename(again / "others")
    moved = ["others" if word == "checkpoints" else word for word in command]
    assert call_program(*moved).returncode == 0 and len(asked) == 1


@pytest.mark.slow
def test_a_process_of_its_own_finds_what_another_made(run_program, again):
    done = run_program(*COMMAND, "--models", CLIPS[1])
    assert done.returncode == 0 and "drop" in done.stdout and "made before" in done.stdout, done.stderr


def other_photos(root):
    next(root.glob("photos/*/counter-*/0.png")).unlink()


def something_else(root):
    (root / "out").mkdir()
    (root / "out" / "summary.json").write_text("{}")


def no_photos(root):
    shutil.rmtree(root / "photos")
    (root / "photos").mkdir()


REFUSED = {
    "no such table": ((), ("--table", "3,15"), ["--table", "among 3, 4, 5", "got 15"]),
    "no such model": ((), ("--models", "ViT/B/99-X"), ["--models", "ViT/B/99-X", "realdata.models"]),
    "an empty name": ((), ("--models", "RN50-OpenAI,"), ["--models", "empty name"]),
    "a model of another table": (
        (),
        ("--models", "LLaVA1.5-7B", "--table", "3"),
        ["--models", "no row of Table 3"],
    ),
    "80 prompts that are not installed": ((), ("--table", "10"), ["openai80", "open_clip_torch"]),
    "a folder of something else": ((something_else,), (), ["--out", "no run.json"]),
    "no photos": ((no_photos,), (), ["--data", "holds no photo"]),
    "no checkpoints": ((), ("--checkpoints", "nowhere"), ["--checkpoints", "nowhere is no directory"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_wrong_input_is_one_line(refused, beside, name):
    changes, options, words = REFUSED[name]
    for change in changes:
        change(beside)
    refused(*COMMAND, *options, words=words)
    assert not (beside / "out" / "run.json").exists()


def test_a_folder_of_another_run_is_refused(refused, again):
    command = (*COMMAND, "--models", CLIPS[1])
    refused(*command, "--dtype", "bfloat16", words=["--out", "float32, not in bfloat16"])
    other_photos(again)
    refused(*command, words=["--out", "of other photos, 24 in photos", "has 23", "another folder"])


def test_pickled_weights_are_refused_with_the_option_that_reads_them(call_program, again):
    folder = again / "checkpoints" / "ViT-L-14-OpenAI"
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    (again / "out/evaluations/ViT-L-14-OpenAI-1v1000-simple/summary.json").unlink()
    done = call_program(*COMMAND, "--models", CLIPS[1])
    assert done.returncode == 1 and "--allow-pickle" in done.stdout and "`" not in done.stdout


def test_a_damaged_summary_is_one_models_fault(call_program, again):
    (again / "out/evaluations/ViT-L-14-OpenAI-1v1000-simple/summary.json").write_text("{")
    done = call_program(*COMMAND, "--models", CLIPS[1])
    assert done.returncode == 1 and "holds no summary of an evaluation" in done.stdout
    assert json.loads((again / "out" / "replication.json").read_text())["counts"]["drop"]["numbers"] == 0


def test_every_row_of_every_table_is_planned_as_it_says(tmp_path):
    rows = plan(ReplicationConfig(tmp_path, TABLES), PRINTED)
    assert len(rows) == len(PRINTED.results)
    assert [row.name for row in rows if row.task is None] == ["MiniGPT4-Vicuna7B"]
    tasks = tasks_of(rows)
    assert len({task.folder for task in tasks}) == len(tasks)
    config = next(task for task in tasks if task.folder == "RN50-OpenAI-1v1000-openai80").config(
        ReplicationConfig(tmp_path)
    )
    assert (config.setup, config.prompt, config.model) == ("1v1000", "openai80", "paper:RN50-OpenAI")
    main = plan(ReplicationConfig(tmp_path), PRINTED)
    assert {row.table for row in main} == {"3", "4"} and not [row for row in main if row.family == "lvlm"]
    # A model that the main tables do not have comes from the first that has it.
    asked = ReplicationConfig(tmp_path, models=("paper:LLaVA1.5-7B", "vit/b/16-laion400m-e32", "RN18-ImageNet1K"))
    assert [(row.table, row.name) for row in plan(asked, PRINTED)] == [
        ("4", "RN18-ImageNet1K"),
        ("5", "LLaVA1.5-7B"),
        ("9", "ViT/B/16-LAION400M-E32"),
    ]


def test_an_evaluation_without_any_names_its_place_in_the_registry():
    with pytest.raises(InputError, match="MiniGPT"):
        plan(ReplicationConfig(DIRECTORY, models=("MiniGPT4-Vicuna7B",)), PRINTED)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The main tables measured exactly as printed, but for two models."""
    folder = tmp_path_factory.mktemp("whole")
    rows = plan(ReplicationConfig(folder), PRINTED)
    for row in rows:
        common, counter = row.printed["common"], row.printed["counter"]
        if row.name == "ViT/B/16-OpenAI":
            counter -= 9.0  # outside for any number of models
        if row.name == "ViT/B/32-OpenAI":
            counter -= 1.8  # outside its own 95% interval, and inside that of all models together
        kind = {"clip": "jax", "imagenet": "torchvision"}[row.family]
        prompt = "A photo of {}." if row.family == "clip" else None
        name = f"paper:{row.task.published.name}"
        evaluation(folder / row.task.folder, common, counter, name, kind, prompt=prompt)
    return [Measured(row, read_added_models([folder / row.task.folder])[0]) for row in rows]


def test_intervals_hold_for_all_models_together(whole):
    frame = compare(whole)
    assert len(frame) == 3 * 43
    outside = frame[~frame.inside]
    assert set(zip(outside.model, outside.quantity, strict=True)) == {
        ("ViT/B/16-OpenAI", "counter"),
        ("ViT/B/16-OpenAI", "drop"),
    }
    alone = compare([each for each in whole if each.row.name == "ViT/B/32-OpenAI"])
    assert not alone.set_index("quantity").inside["counter"]
    equal = frame[frame.quantity == "counter"].set_index("model").equal
    assert equal.sum() == 41 and not equal["ViT/B/32-OpenAI"]
    errors = [
        each.row
        for each in audit_tables(DIRECTORY).findings
        if each.severity == "error" and each.file == "results.csv" and each.table in ("3", "4")
    ]
    assert frame.printed_is_wrong.sum() == len(errors) > 0


@pytest.fixture(scope="module")
def same(whole):
    """The claims where every number is measured as it is printed."""
    frame = compare(whole)
    return ask_both(frame.assign(measured=frame["printed"]), PRINTED)


def test_claims_by_both_are_equal_where_the_numbers_are(same, published_claims):
    assert [each["claim"] for each in same] == ["C1", "C2", "C3", "C4", "C5"]
    assert all(each["printed"] == each["measured"] for each in same)
    # As the claims' own program finds it, but that it takes the audit's corrections.
    primary = {each.claim: each for each in published_claims.primary if each.primary}
    for each in same:
        assert each["printed"]["effect"] == pytest.approx(primary[each["claim"]].effect, abs=0.3)
        assert each["printed"]["models"] == primary[each["claim"]].models


def test_claims_follow_the_measured_numbers(whole):
    frame = compare(whole)
    frame["measured"] = frame["printed"]
    clips = (frame.family == "clip") & (frame.quantity == "counter")
    frame.loc[clips, "measured"] += 10.0
    changed = {each["claim"]: each for each in ask_both(frame, PRINTED)}
    assert changed["C1"]["measured"]["effect"] == pytest.approx(changed["C1"]["printed"]["effect"] - 10)
    assert changed["C2"]["measured"]["effect"] > changed["C2"]["printed"]["effect"] + 5
    assert ask_both(frame[frame.model.str.startswith("RN")], PRINTED) == []


def test_it_is_shown_and_drawn(whole, same, tmp_path, capsys):
    frame = compare(whole)
    found = Replication(ReplicationConfig(tmp_path), 13100, frame, [Failure("X", "no [reason]")], same)
    show(found)
    shown = capsys.readouterr().out
    assert "not counter, drop" in shown and "X: no [reason]" in shown and "C5" in shown
    common, counter = draw(frame).axes
    assert "43 of 43 inside" in common.get_title() and "42 of 43 inside" in counter.get_title()
    assert set(found.files) == {"replication.csv", "replication.json", "replication.png"}
    nothing = Replication(ReplicationConfig(tmp_path), 13100, compare([]), [Failure("X", "no")], [])
    assert set(nothing.files) == {"replication.json"}
    show(nothing)
