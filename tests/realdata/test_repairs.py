"""Repairs on a small CLIP: the program's answers again in plain NumPy, what changes, and what is refused."""

import contextlib
import json
import shutil
import sys
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import realdata
from pretrained import huggingface
from realdata.evaluate.display import show_repairs
from realdata.evaluate.program import main
from realdata.models.clip import ZeroShot, load
from realdata.models.loading import Loading
from realdata.models.model import Question
from realdata.photos.folders import DataSet, Photo
from realdata.repairs import comparison
from realdata.repairs.backgrounds import check_span, read_backgrounds
from realdata.repairs.config import REPAIRS, RepairConfig
from realdata.repairs.tuning import parts_of
from realdata.statistics import bootstrap
from sims.clip.model import tiny_clip
from tests import seeds
from tests.conftest import single_precision
from tests.realdata.made import made_photos
from workbench.errors import InputError
from workbench.results import write_files

NAMES = ["zero", "one", "two", "three", "four"]
COLOURS = ["red", "green", "blue"]
LAYOUT = {f"{index} {name}": (COLOURS[index % 3], COLOURS[(index + 1) % 3]) for index, name in enumerate(NAMES)}
EVALUATE = ("--data", "photos", "--model", "model", "--names", ",".join(NAMES), "--workers", "0", "--batch-size", "30")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Photos of noise, other photos, and an untrained CLIP, whose answers are as good as chance."""
    folder = tmp_path_factory.mktemp("repairs")
    made_photos(folder / "photos", LAYOUT, 6)
    made_photos(folder / "others", LAYOUT, 4, side=14)
    texts = [f"A photo of {name} on {colour}." for name in NAMES for colour in COLOURS]
    write_files(folder / "model", huggingface.files(tiny_clip(8, texts, 0)))
    return folder


def evaluate(made, **repairs):
    """An evaluation without its files, and with rough intervals, at which no test of it looks."""
    config = RepairConfig(**repairs) if repairs else None
    few = mock.patch.object(comparison, "DRAWS", 100), mock.patch.object(bootstrap, "DRAWS", 100)
    with single_precision(), contextlib.chdir(made), few[0], few[1]:
        return realdata.evaluate("photos", "model", names=",".join(NAMES), workers=0, batch_size=30, repairs=config)


@pytest.fixture(scope="module")
def ran(made):
    """The summary and the table of all repairs, on photos of which nothing is kept yet."""
    found = evaluate(made, repair=REPAIRS)
    return found.summary, found.repaired.to_frame()


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def scores_in_numpy(images, prompts, backgrounds, pairs, scale):
    """The repairs that are no matrix of S30's, again from their papers, in double precision."""
    kept = np.eye(images.shape[1]) - np.linalg.pinv(backgrounds) @ backgrounds
    found = {"plain": images @ prompts.T, "projection": images @ unit(prompts @ kept).T}
    matrix = np.eye(images.shape[1])
    # Chuang et al.: every ordered pair of a class's prompts on two backgrounds.
    each = [(of[i] - of[j]) for of in pairs for i in range(len(of)) for j in range(len(of)) if i != j]
    matrix += 1000.0 * np.mean([np.outer(one, one) for one in each], axis=0)
    found["calibrated"] = images @ unit((kept @ np.linalg.inv(matrix) @ prompts.T).T).T
    differences = np.linalg.qr((backgrounds[1:] - backgrounds[:1]).T)[0].T
    found["roboshot"] = unit(images - images @ differences.T @ differences) @ prompts.T
    shown = (images @ backgrounds.T).argmax(axis=1)
    shifts = [-(images[shown == place] @ each).mean() if (shown == place).any() else 0.0
              for place, each in enumerate(backgrounds)]  # fmt: skip
    found["tie"] = (images + np.array(shifts)[shown, None] * backgrounds[shown]) @ prompts.T
    weights = np.exp(scale * np.einsum("iw,cbw->icb", images, pairs))
    of_background = weights.sum(axis=1) / weights.sum(axis=(1, 2))[:, None]
    found["perception"] = np.einsum("icb,ib->ic", weights / weights.sum(axis=1, keepdims=True), of_background)
    nearest = (prompts @ backgrounds.T).argmax(axis=1)
    found["subtract"] = images @ unit(prompts - 0.5 * backgrounds[nearest]).T
    found["mixture"] = images @ unit(0.5 * prompts + 0.5 * unit(pairs.mean(axis=1))).T
    return found


def test_answers_are_those_of_the_papers_formulas(made, ran, capsys):
    content, table = ran
    show_repairs(content)
    printed = capsys.readouterr().out
    assert all(f"  {name} " in printed for name in ("plain", *REPAIRS)) and "photos a second" in printed
    model = load(str(made / "model"), Question(list(range(5)), NAMES, ["A photo of {}."]), Loading())
    reader = [model.read(made / "photos" / path) for path in table.path]
    images = np.asarray(model.embed_images(reader), float)
    pairs = model.embed_names(
        [f"{name} on {colour}" for name in NAMES for colour in sorted(COLOURS)], ["A photo of {}."]
    )
    prompts, backgrounds = (model.embed_names(words, ["A photo of {}."]) for words in (NAMES, sorted(COLOURS)))
    arrays = (np.asarray(each, float) for each in (prompts, backgrounds, pairs.reshape(5, 3, -1)))
    expected = scores_in_numpy(images, *arrays, model.scale)
    for name, scores in expected.items():
        ordered = np.sort(scores, axis=1)
        clear = ordered[:, -1] - ordered[:, -2] > 1e-5 * np.abs(ordered[:, -1])  # single precision decides no others
        assert clear.mean() > 0.9, name
        np.testing.assert_array_equal(table[name][clear], scores.argmax(axis=1)[clear], err_msg=name)
    # The plain prompt's answers are those without repairs; most repairs answer otherwise somewhere.
    assert sum((table[name] != table.plain).any() for name in REPAIRS) >= 6
    repairs = content["repairs"]
    assert repairs["backgrounds"] == sorted(COLOURS) and repairs["constants"]["calibrated"] == 1000.0
    for name, found in repairs["each"].items():
        right = table[name] == table.class_index
        for group in ("common", "counter"):
            shares = right[table.group == group].groupby(table.class_index).mean()
            assert found["groups"][group]["accuracy"] == pytest.approx(100 * shares.mean())
        worst = right.groupby([table.class_index, table.background]).mean().min()
        assert found["worst_group"]["accuracy"] == pytest.approx(100 * worst)
        assert found["only_repair_right"] == (right & (table.plain != table.class_index)).sum()


def test_an_ensemble_is_the_mean_over_its_templates(made, ran, tmp_path, monkeypatch):
    """As `--prompt openai80` answers, beside the plain prompt; the list is that of a stand-in for OpenCLIP."""
    package = tmp_path / "open_clip"
    package.mkdir()
    (package / "__init__.py").write_text("")
    listed = ["a bad photo of a {c}.", "a drawing of the {c}.", "{c} itself"]
    lines = "".join(f"    lambda c: f'{template}',\n" for template in listed)
    (package / "zero_shot_metadata.py").write_text(f"OPENAI_IMAGENET_TEMPLATES = (\n{lines})\n")
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(InputError, match=r"^`repair` openai80: needs the package open_clip_torch"):
        evaluate(made, repair=("openai80",))
    monkeypatch.delitem(sys.modules, "open_clip")
    monkeypatch.syspath_prepend(tmp_path)
    found = evaluate(made, repair=("openai80", "projection"))
    table = found.repaired.to_frame()
    model = load(str(made / "model"), Question(list(range(5)), NAMES, ["A photo of {}."]), Loading())
    images = np.asarray(model.embed_images([model.read(made / "photos" / path) for path in table.path]), float)
    each = [model.embed_names(NAMES, [template.replace("{c}", "{}")]) for template in listed]
    scores = images @ np.mean(each, axis=0).T / np.linalg.norm(np.mean(each, axis=0), axis=1)
    assert table.openai80.tolist() == scores.argmax(axis=1).tolist() != table.plain.tolist()
    assert table.plain.tolist() == ran[1].plain.tolist() and table.projection.tolist() == ran[1].projection.tolist()


def test_the_plain_prompt_is_as_without_repairs_and_embeddings_are_kept(made, ran, monkeypatch):
    content, table = ran
    plain = evaluate(made)
    assert plain.predictions.to_frame().predicted_index.tolist() == table.plain.tolist()
    assert plain.summary["groups"] == content["groups"]

    def embed(self, images):
        raise AssertionError("photos are embedded again")

    monkeypatch.setattr(ZeroShot, "embed_images", embed)
    again = evaluate(made, repair=("tie",))
    assert again.repaired.to_frame().tie.tolist() == table.tie.tolist()
    assert again.summary["repairs"]["each"]["tie"] == content["repairs"]["each"]["tie"]


def test_constants_are_chosen_on_the_other_classes(made, ran):
    """The rule again, from runs with each constant: a part of the classes with what is best on the other parts."""
    weights = (0.5, 0.25, 0.75, 1.0)  # the configured one first, which wins a tie
    each = [evaluate(made, repair=("subtract",), weight=weight).repaired.to_frame() for weight in weights]
    found = evaluate(made, repair=("subtract",), tune_on="classes")
    table, chosen = found.repaired.to_frame(), found.summary["repairs"]["constants"]["subtract"]
    parts = parts_of(table.class_index.to_numpy())
    assert len(chosen) == len(parts) == 5 and len(set(chosen)) > 1
    for part, constant in zip(parts, chosen, strict=True):
        own = table.class_index.isin(part)
        other = [frame[~own & (frame.group == "counter")] for frame in each]
        scored = [(frame["subtract"] == frame.class_index).groupby(frame.class_index).mean().mean() for frame in other]
        assert constant == weights[int(np.argmax(scored))]
        assert table["subtract"][own].tolist() == each[weights.index(constant)]["subtract"][own].tolist()


def test_baselines_learn_on_other_photos(call_program, made, tmp_path, undrawn):
    """Classes that differ in brightness, in a table with two splits."""
    generator = np.random.default_rng(0)
    rows = []
    (tmp_path / "pictures").mkdir()
    for number in range(60):
        label, place = number % 2, number // 2 % 2
        pixels = generator.integers(0, 60, (12, 12, 3)) + 180 * label
        pixels[..., 2] = 250 * place
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "pictures" / f"{number}.png")
        rows.append({"filename": f"{number}.png", "y": label, "a": place, "split": "val" if number < 30 else "test"})
    pd.DataFrame(rows).to_csv(tmp_path / "table.csv", index=False)
    words = [
        "--data",
        tmp_path / "pictures",
        "--metadata",
        tmp_path / "table.csv",
        "--model",
        "model",
        "--workers",
        "0",
    ]
    words += ["--batch-size", "30"]
    words += ["--names", "zero,one", "--attributes", "green,blue", "--repair", "tie,subtract,probe,dfr"]
    done = call_program("realdata.evaluate", *words, "--tune-on", "val", "--out", tmp_path / "out", cwd=made)
    assert done.returncode == 0, done.stderr
    assert "Repairs beside the plain prompt" in done.stdout and "worst group" in done.stdout
    repairs = json.loads((tmp_path / "out" / "summary.json").read_text())["repairs"]
    table = pd.read_csv(tmp_path / "out" / "repairs.csv")
    assert list(table)[4:] == ["plain", "tie", "subtract", "probe", "dfr"] and len(table) == 30
    assert repairs["backgrounds"] == ["blue", "green"] and repairs["tuned_on"] == "val"
    for name in ("probe", "dfr"):
        assert repairs["each"][name]["worst_group"]["accuracy"] == 100.0
    assert set(repairs["each"]["tie"]["groups"]) == {"zero, green", "zero, blue", "one, green", "one, blue"}
    assert repairs["each"]["tie"]["average"]["by_training_groups"] is None  # there is no training split
    refused = call_program("realdata.evaluate", *words, "--tune-on", "test", cwd=made)
    assert refused.returncode == 2 and "also reported" in refused.stderr and "fitted to" in refused.stderr


WRONG = {
    "a background that is a class": (["--backgrounds", "red,One"], ["--backgrounds", "'One'", "class 1"]),
    "one background": (["--backgrounds", "red.txt"], ["--backgrounds", "needs 2 names", "red"]),
    "an empty file": (["--backgrounds", "empty.txt"], ["--backgrounds", "empty.txt"]),
    "a span of nothing": (
        ["--backgrounds", "red,Red ", "--pairing", "{}{}"],
        ["--backgrounds", "the same to this model"],
    ),
    "no place for the background": (["--pairing", "{} there"], ["--pairing", "{} twice"]),
    "a negative constant": (["--strength", "-1"], ["--strength", "at least 0"]),
    "no such repair": (["--repair", "prayer"], ["--repair", "projection", "prayer"]),
    "labels and none held out": (["--repair", "probe"], ["--repair", "probe", "--tune-on"]),
    "the reported photos": (["--tune-on", "photos"], ["--tune-on", "60 of its photos are also reported", "fitted to"]),
    "copies of them": (["--tune-on", "copies"], ["--tune-on", "copies of reported ones"]),
    "no such folder": (["--tune-on", "nowhere"], ["--tune-on", "nowhere is no directory"]),
    "no groups": (["--uncurated"], ["--repair", "--uncurated"]),
    "both activations": (["--activation", "both"], ["--repair", "--activation"]),
}


@pytest.fixture(scope="module")
def spoilt(made):
    (made / "red.txt").write_text("red\n")
    (made / "empty.txt").write_text("\n")
    shutil.copytree(made / "photos", made / "copies")
    return made


@pytest.mark.parametrize("name", WRONG)
def test_wrong_repairs_are_told(call_program, spoilt, name):
    options, words = WRONG[name]
    done = call_program(
        "realdata.evaluate", *EVALUATE, "--repair", "projection", *options, "--out", "other", cwd=spoilt
    )
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1, done.stderr
    for word in words:
        assert word in done.stderr
    assert not (spoilt / "other").exists() or not list((spoilt / "other").iterdir())


def test_a_span_of_the_whole_embedding_is_told_and_one_of_most_of_it_noted():
    """A small CLIP's own prompts span at most all dimensions but one, since its last norm takes the mean away."""
    rows = np.random.default_rng(0).normal(size=(8, 8))
    names = [str(number) for number in range(8)]
    with pytest.raises(InputError, match="span all 8 dimensions of the embedding, and roboshot would leave nothing"):
        check_span(["tie", "roboshot"], rows, names)
    assert check_span(["tie", "subtract"], rows, names) == []
    assert "span 5 of 8 dimensions" in check_span(["projection"], rows[:5], names[:5])[0]
    assert check_span(["projection"], rows[:4], names[:4]) == []


def test_how_repairs_are_made_needs_repairs(refuses):
    refuses(main, "--data", ".", "--model", "m", "--share", "0.25", words=["--share", "--repair"])
    refuses(main, "--data", ".", "--scores", "a.npz", "--repair", "tie", words=["--repair", "--scores"])


def test_backgrounds_are_counteranimals_where_the_photos_are():
    photo = [Photo(f"{name}.png", 0, "common", name) for name in ("water", "grass")]
    names = {0: "tench"}
    found = read_backgrounds(None, photo, names)
    assert len(found) == 14 and {"water", "grass", "snow", "human"} <= set(found)
    photo.append(Photo("moon.png", 0, "counter", "moon"))
    assert read_backgrounds(None, photo, names) == ["grass", "moon", "water"]


def frames(counts, generator=None):
    """Predictions of the plain prompt and of a repair, from (both, only repair, only plain, neither) of each group."""
    rows = []
    for group, numbers in enumerate(counts):
        for (repair, plain), number in zip(((1, 1), (1, 0), (0, 1), (0, 0)), numbers, strict=True):
            rows += [(group, plain, repair)] * int(number)
    table = pd.DataFrame(rows, columns=["class_index", "plain", "repair"])
    table = table.assign(path=[f"{row}.png" for row in range(len(table))], background="land")
    table = table.assign(group=[f"{index:04d}, land" for index in table.class_index])
    return (table.assign(correct=table[name]) for name in ("plain", "repair"))


def test_what_changes_follows_from_who_is_right(tmp_path):
    plain, repair = frames([(10, 6, 2, 2), (3, 1, 9, 7)])
    found = comparison.compare(plain, repair, DataSet(tmp_path, [], [], {"0000, land": 30, "0001, land": 10}), True)
    assert found["groups"]["0000, land"]["accuracy"] == 80.0 and found["groups"]["0001, land"]["accuracy"] == 20.0
    changes = [found["groups"][group]["change"]["value"] for group in ("0000, land", "0001, land")]
    assert changes == pytest.approx([20.0, -40.0])
    average = found["average"]
    assert average["by_photos"]["change"]["value"] == pytest.approx(-10.0)
    assert average["by_training_groups"]["value"] == pytest.approx(0.75 * 80 + 0.25 * 20)
    # The worst group is the second before (60%, as the first) and after; before, the least of both is 60%.
    assert found["worst_group"]["group"] == "0001, land"
    assert found["worst_group"]["change"]["value"] == pytest.approx(20.0 - 60.0)
    assert (found["only_repair_right"], found["only_plain_right"]) == (7, 11)


@pytest.mark.simulation
def test_paired_intervals_hold_the_change_where_few_answers_change():
    """3,000 groups of 25 photos of which a repair changes few: 95% within 3 standard errors; Wald's hold far less."""
    groups, number, shares = 3000, 25, np.array([0.6, 0.06, 0.02, 0.32])
    counts = seeds.generator(0).multinomial(number, shares, size=groups)
    table = pd.DataFrame(counts, columns=["both", "only_repair", "only_plain", "neither"])
    true = 100 * (shares[1] - shares[2])
    _, centre, error = comparison._paired(table)
    held = np.abs(centre - true) <= 1.959964 * error
    assert held.mean() > 0.95 - 3 * np.sqrt(0.95 * 0.05 / groups)
    gained, lost = counts[:, 1] / number, counts[:, 2] / number
    wald = np.sqrt((gained + lost - (gained - lost) ** 2) / number)
    assert (np.abs(100 * (gained - lost) - true) <= 196 * wald).mean() < 0.9
