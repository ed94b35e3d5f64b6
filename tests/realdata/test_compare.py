"""`python -m realdata.compare`: two evaluations of the same photos, and what cannot be compared."""

import json

import numpy as np
import pandas as pd
import pytest

from realdata.compare import main
from realdata.evaluate.predictions import COLUMNS


def written(folder, seed, model):
    """An evaluation's folder with made predictions: five classes, ten photos in each group."""
    generator = np.random.default_rng(seed)
    rows = []
    for index in range(5):
        for group, chance in (("common", 0.8), ("counter", 0.5)):
            for number in range(10):
                right = generator.random() < chance
                path = f"{index}/{group}-sky/{number}.png"
                rows.append((path, index, group, "sky", index if right else 99, int(right), 0.3))
    folder.mkdir()
    table = pd.DataFrame(rows, columns=pd.Index(COLUMNS))
    table.to_csv(folder / "predictions.csv", index=False)
    content = {"model": model, "setup": "1v1000", "prompt": "A photo of {}.", "names": "imagenet"}
    (folder / "summary.json").write_text(json.dumps(content))
    return table


@pytest.fixture
def both(tmp_path):
    return written(tmp_path / "a", 0, "first"), written(tmp_path / "b", 1, "second")


def test_differences_are_those_of_the_predictions(run_program, call_program, both):
    done = run_program("realdata.compare", "a", "b", "--json", "-")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    means = [table.groupby("group").correct.mean() * 100 for table in both]
    for group in ("common", "counter"):
        assert content["differences"][group]["value"] == pytest.approx(means[0][group] - means[1][group])
    assert content["models"] == {"a": "first", "b": "second"} and content["warnings"] == []
    shown = call_program("realdata.compare", "a/predictions.csv", "b")
    assert (
        "A: first (a/predictions.csv)" in shown.stdout
        and f"{content['differences']['drop']['value']:+.2f}" in shown.stdout
    )


def test_what_differs_between_the_two_is_told(tmp_path, both, capsys):
    both[1].iloc[3:].to_csv(tmp_path / "b" / "predictions.csv", index=False)
    (tmp_path / "b" / "summary.json").write_text(json.dumps({"model": "second", "setup": "1v20"}))
    assert main([str(tmp_path / "a"), str(tmp_path / "b"), "--json", "-"]) == 0
    warnings = json.loads(capsys.readouterr().out)["warnings"]
    assert warnings == [
        "left out, since the other has no such photo: 3 photos of A",
        "the two evaluations differ in setup: '1v1000' and '1v20'",
    ]


def with_cell(row, column, value):
    def change(table):
        changed = table.astype(object)
        changed.loc[row, column] = value
        return changed

    return change


WRONG = {
    "no such column": (lambda t: t.drop(columns="group"), ["lacks the column 'group'"]),
    "a word for a number": (with_cell(2, "correct", "yes"), ["line 4", "'correct'", "'yes'"]),
    "another group": (with_cell(0, "group", "rare"), ["line 2", "common, counter", "'rare'"]),
    "a path twice": (with_cell(1, "path", "0/common-sky/0.png"), ["line 3", "occurs twice"]),
    "correct that is not": (lambda t: t.assign(correct=1 - t.correct), ["line 2", "predicted_index is class_index"]),
    "wrong ones called correct": (lambda t: t.assign(correct=1), ["predicted_index is class_index"]),
    "correct ones called wrong": (lambda t: t.assign(correct=0), ["predicted_index is class_index"]),
    "other photos": (lambda t: t.assign(path="x" + t.path), ["no common and no counter photo in common"]),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_predictions_are_told(tmp_path, refuses, both, name):
    change, words = WRONG[name]
    change(both[1]).to_csv(tmp_path / "b" / "predictions.csv", index=False)
    refuses(main, "a", "b", words=words)


def test_missing_folders_are_told(refuses, both):
    refuses(main, "a", "c", words=["c: no such file"])


def test_groups_of_class_and_attribute_are_compared(tmp_path, capsys, refuses):
    """Four groups of unequal sizes: each one's difference, the worst one's, whichever group that is, and averages."""
    generator = np.random.default_rng(5)
    sizes = {("land", "wood"): 40, ("land", "sea"): 10, ("sea", "wood"): 7, ("sea", "sea"): 30}
    chances = {"a": (0.9, 0.7, 0.6, 0.9), "b": (0.95, 0.4, 0.3, 0.8)}
    frames = {}
    for letter, own in chances.items():
        rows = [
            (f"{name}-{place}/{number}.png", int(name == "sea"), f"{name}, {place}", place, right, 0.3)
            for ((name, place), size), chance in zip(sizes.items(), own, strict=True)
            for number, right in enumerate(generator.random(size) < chance)
        ]
        frame = pd.DataFrame(rows, columns=["path", "class_index", "group", "background", "correct", "score"])
        frame["predicted_index"] = np.where(frame.correct, frame.class_index, 1 - frame.class_index)
        frames[letter] = frame.assign(correct=frame.correct.astype(int))
        (tmp_path / letter).mkdir()
        frames[letter].to_csv(tmp_path / letter / "predictions.csv", index=False)
    places = [str(tmp_path / letter) for letter in chances]
    assert main([*places, "--json", "-"]) == 0
    content = json.loads(capsys.readouterr().out)
    shares = {letter: 100 * frame.groupby("group").correct.mean() for letter, frame in frames.items()}
    expected = (shares["a"] - shares["b"]).to_dict()
    expected["worst group"] = shares["a"].min() - shares["b"].min()
    expected["average over photos"] = 100 * (frames["a"].correct.mean() - frames["b"].correct.mean())
    expected["average over groups"] = shares["a"].mean() - shares["b"].mean()
    assert {name: found["value"] for name, found in content["differences"].items()} == pytest.approx(expected)
    assert all(low <= found["value"] <= high for found in content["differences"].values()
               for low, high in [found["interval"]])  # fmt: skip
    only = [(one.correct > other.correct).sum() for one, other in (frames.values(), reversed(frames.values()))]
    assert content["photos"] == {"only_a_right": only[0], "only_b_right": only[1], "photos": 87}
    assert main(places) == 0
    assert "worst group" in capsys.readouterr().out
    written(tmp_path / "c", 0, "of common and counter")
    refuses(main, places[0], str(tmp_path / "c"), words=["no common and no counter photo in common"])
