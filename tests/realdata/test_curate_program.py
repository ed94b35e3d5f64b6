"""The program on a made folder and table, and wrong input."""

import json

import numpy as np
import pandas as pd
import pytest

from realdata.curate import held_out, selector_excess
from realdata.curate.program import main
from realdata.photos.class_names import read_class_names
from realdata.photos.labelled import read_labelled

CURATE = ("--photos", "photos", "--predictions", "predictions.csv")
QUICK = ("--splits", "20", "--permutations", "50")
# Class folder, background folder, photos, right answers.
FOLDERS = [
    ("100 black swan", "common-water", 30, 27),
    ("100 black swan", "counter-ice", 20, 6),
    ("100 black swan", "grass", 25, 15),
    ("ostrich", "ground", 20, 12),
    ("ostrich", "water", 20, 12),
    ("n01534433", "snow", 12, 9),
]


@pytest.fixture(autouse=True)
def few_bootstraps(monkeypatch):
    """Within this process; the intervals are tested elsewhere."""
    monkeypatch.setattr(held_out, "BOOTSTRAPS", 5)
    monkeypatch.setattr(selector_excess, "DRAWS", 100)


@pytest.fixture
def made(tmp_path):
    """A folder of (empty) photos, and predictions as `realdata.evaluate` writes them."""
    rows = []
    index = {"100 black swan": 100, "ostrich": 9, "n01534433": 13}
    for folder, background, photos, right in FOLDERS:
        (tmp_path / "photos" / folder / background).mkdir(parents=True)
        for number in range(photos):
            name = f"{folder}/{background}/{number}.{'png' if number % 2 else 'JPG'}"
            (tmp_path / "photos" / name).touch()
            rows.append((name, index[folder] if number < right else 999))
    pd.DataFrame(rows, columns=["path", "predicted_index"]).to_csv(tmp_path / "predictions.csv", index=False)
    return tmp_path


def test_program_writes_what_it_prints(call_program, made):
    done = call_program("realdata.curate", *CURATE, *QUICK, "--json", "-", "--seed", "3")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    out = made / "results" / "curate"
    assert {path.name for path in out.iterdir()} == {"selection.csv", "photos.csv", "curation.json", "curation.png"}
    assert json.loads((out / "curation.json").read_text()) == content
    assert content["naive_drop"] == pytest.approx(60.0) and content["classes_kept"] == 1
    assert content["parameters"] == {
        "threshold": 5.0, "min_photos": 2, "splits": 20, "permutations": 50, "seed": 3
    }  # fmt: skip
    assert {"numpy", "python"} <= set(content["versions"])
    selection = pd.read_csv(out / "selection.csv").set_index("class_index")
    assert selection.label.tolist() == ["ostrich", "junco", "black swan"]
    assert selection.kept.tolist() == [False, False, True]
    swan = selection.loc[100]
    assert (swan.common_background, swan.counter_background) == ("water", "ice")
    assert (swan.common_accuracy, swan.counter_accuracy) == pytest.approx((90.0, 30.0))
    assert selection.why_not.tolist()[:2] == ["at most 5 points apart", "one background"]
    kept = pd.read_csv(out / "photos.csv")
    assert kept.groupby(["class_index", "group", "background"]).size().to_dict() == {
        (100, "common", "water"): 30, (100, "counter", "ice"): 20
    }  # fmt: skip
    assert all((made / "photos" / path).exists() for path in kept.path)
    assert (out / "curation.png").read_bytes().startswith(b"\x89PNG")


def test_table_says_it_in_words(made, capsys, monkeypatch):
    monkeypatch.chdir(made)
    assert main([*CURATE, *QUICK]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "1 of 3 classes are kept. Of a drop of 60.0 points," in printed
    assert "are expected from the choice alone" in printed and "no: one background" in printed
    assert main([*CURATE, *QUICK, "--threshold", "90"]) == 0
    assert "No class has two backgrounds that differ by more than 90 points" in " ".join(
        capsys.readouterr().out.split()
    )


def test_a_table_alone_gives_the_same_as_with_its_photos(made, capsys, monkeypatch, undrawn):
    """With the labels in the table, and with `correct` in place of the predicted index, in any order."""
    monkeypatch.chdir(made)
    photos, notes = read_labelled(made / "predictions.csv", made / "photos", read_class_names("imagenet"))
    assert notes == [] and len(photos) == sum(folder[2] for folder in FOLDERS)
    photos.sample(frac=1.0, random_state=0).to_csv(made / "alone.csv", index=False)
    contents = []
    for source in (CURATE, ("--predictions", "alone.csv")):
        assert main([*source, *QUICK, "--json", "-"]) == 0
        contents.append(json.loads(capsys.readouterr().out))
    for key in ("naive_drop", "corrected", "split_half", "chance", "classes"):
        assert contents[0][key] == contents[1][key]


def test_what_does_not_match_is_told(made, capsys, monkeypatch, undrawn):
    monkeypatch.chdir(made)
    table = pd.read_csv("predictions.csv")
    table.loc[0, "path"] = "./" + table.path[0]  # the same file
    table["correct"] = np.where(table.predicted_index == 999, 0, 1)
    table.loc[table.path == "ostrich/water/19.png", "correct"] = 1
    table = table[table.path != "ostrich/ground/3.png"]
    table.loc[len(table) + 5] = ["ostrich/ground/none.jpg", 9, 1]
    table.to_csv("predictions.csv", index=False)
    assert main([*CURATE, *QUICK, "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"] == [
        "1 photo without a prediction, left out; the first: ostrich/ground/3.png",
        "1 photo with a prediction but no such file, left out; the first: ostrich/ground/none.jpg",
        "1 photo whose 'correct' contradicts the predicted index, which is used; the first: ostrich/water/19.png",
    ]


def edit(old, new, count=1):
    def spoil(root):
        path = root / "predictions.csv"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, count))

    return spoil


def lone(root):
    for path in list((root / "photos").glob("*/*")):
        if path.name not in ("common-water", "ground", "snow"):
            path.rename(root / path.name)


SPOILT = {
    "no file": (lambda root: (root / "predictions.csv").unlink(), CURATE, ["predictions.csv", "no such file"]),
    "no folder": (None, ("--photos", "nowhere", *CURATE[2:]), ["--photos", "nowhere", "no directory"]),
    "no photos": (lambda root: (root / "photos").rename(root / "x") and (root / "photos" / "9").mkdir(parents=True),
                  CURATE, ["--photos", "holds no photo"]),
    "unknown class": (lambda root: (root / "photos" / "unicorn").mkdir(),
                      CURATE, ["--photos", "'unicorn'", "--classes"]),
    "nothing matches": (edit("/", "/x", -1), CURATE, ["predictions.csv", "names no photo of photos", "common-water"]),
    "a path twice": (edit("water/1.png", "water/0.JPG"), CURATE, ["line 3", "'path'", "twice"]),
    "no answers": (edit("predicted_index", "guess"), CURATE, ["'predicted_index' or 'correct'", "path, guess"]),
    "no paths": (edit("path", "file"), CURATE, ["predictions.csv", "lacks the column 'path'"]),
    "no number": (edit(",100\n", ",swan\n"), CURATE, ["line 2", "'predicted_index'", "'swan'"]),
    "no labels": (None, CURATE[2:], ["lacks the column 'class_index'", "--photos"]),
    "one background each": (lone, CURATE, ["predictions.csv", "two backgrounds", "2 photos"]),
    "threshold": (None, (*CURATE, "--threshold", "-1"), ["--threshold", "from 0", "-1"]),
    "min photos": (None, (*CURATE, "--min-photos", "1"), ["--min-photos", "at least 2"]),
    "neither": (None, ("--photos", "photos"), ["--predictions", "--published"]),
    "both": (None, (*CURATE, "--published"), ["--published", "not allowed with"]),
    "photos of published": (None, ("--photos", "photos", "--published"), ["--photos", "--published"]),
    "no tables": (None, ("--published", "photos"), ["photos", "results.csv", "no such file"]),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILT)
def test_wrong_input_gets_one_line_and_writes_nothing(refuses, made, name):
    spoil, arguments, words = SPOILT[name]
    if spoil is not None:
        spoil(made)
    refuses(main, *arguments, *QUICK, words=words)
    assert not (made / "results").exists()


@pytest.mark.parametrize(
    ("row", "words"),
    [("1 x/b/0.jpg,9,,1", ["line 3", "'background'", "nothing"]), ("p,9,b,2", ["line 3", "'correct'", "'2'"]),
     ("p,x,b,1", ["line 3", "'class_index'", "'x'"])],
)  # fmt: skip
def test_wrong_labels_in_the_table_get_one_line(refuses, tmp_path, row, words):
    (tmp_path / "table.csv").write_text(f"path,class_index,background,correct\na,9,b,1\n{row}\n")
    refuses(main, "--predictions", "table.csv", words=["table.csv", *words])


def test_published_prints_the_same_as_json(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["--published", "--json", "-"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert main(["--published"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    shown = sum(row["verdict"] == "excess shown" for row in content["settings"])
    assert f"An excess is shown in {shown} of 6 settings." in printed
    for row in content["settings"]:
        assert f"{row['excess']:+.1f} [{row['interval'][0]:+.1f}, {row['interval'][1]:+.1f}]" in printed
    assert "lower bound of what it added" in printed
    assert not any(tmp_path.iterdir())
