"""Scores that are equal: a tie is wrong whatever the order of the candidates, and is counted and told."""

import json

import numpy as np
import pandas as pd
import pytest

from realdata.evaluate.program import main
from realdata.evaluate.ties import answer, ties_content
from tests.realdata.made import made_photos

LAYOUT = {"9 ostrich": ("ground", "water"), "10 brambling": ("grass", "sky")}


@pytest.mark.parametrize(
    ("scores", "own", "wanted"),
    [
        ([0.1, 0.5, 0.3], 1, (1, 0.5, 1, False)),
        ([0.1, 0.5, 0.3], None, (1, 0.5, 1, False)),
        ([0.5, 0.5, 0.3], 0, (1, 0.5, 2, True)),  # the first of the highest is right, and is not said
        ([0.5, 0.5, 0.3], 1, (0, 0.5, 2, True)),
        ([0.5, 0.5, 0.3], 2, (0, 0.5, 2, False)),
        ([0.0, 0.0, 0.0], 0, (1, 0.0, 3, True)),
        ([-np.inf, -2.0, -2.0], 2, (1, -2.0, 2, True)),
        ([0.5, np.nextafter(0.5, 1.0), 0.3], 1, (1, np.nextafter(0.5, 1.0), 1, False)),  # the last bit is no tie
    ],
)
def test_a_tie_is_never_right(scores, own, wanted):
    assert answer(np.array(scores), own) == wanted


def evaluate(tmp_path, paths, scores, candidates, *more):
    np.savez(tmp_path / "scores.npz", paths=np.array(paths), scores=scores, candidates=candidates)
    words = ("--data", "photos", "--scores", "scores.npz", "--out", "out", "--json", "out.json", *more)
    assert main(list(words)) == 0
    return json.loads((tmp_path / "out.json").read_text()), pd.read_csv(tmp_path / "out" / "predictions.csv")


@pytest.mark.parametrize("order", [1, -1])
def test_ties_are_counted_and_told(tmp_path, monkeypatch, undrawn, order):
    """Of each class and group 4 photos: two right, one a tie of two with its own class, one of two others."""
    monkeypatch.chdir(tmp_path)
    paths = made_photos(tmp_path / "photos", LAYOUT, 4)
    scores = np.zeros((len(paths), 1000))
    for row, path in enumerate(paths):
        own, kind = int(path.split()[0]), int(path[-5])
        scores[row, {0: [own], 1: [own], 2: [own, own + 100], 3: [500, 501]}[kind]] = 1.0
    content, found = evaluate(tmp_path, paths, scores[:, ::order], np.arange(1000)[::order])
    assert {group: value["accuracy"] for group, value in content["groups"].items()} == {"common": 50, "counter": 50}
    ties = content["ties"]
    assert (ties["photos"], ties["with_own_class"]) == (8, 4) and "wrong" in ties["rule"]
    # (1 + 1 + 1/2 + 0) / 4
    assert ties["accuracy_with_shares"] == pytest.approx({"common": 62.5, "counter": 62.5})
    (note,) = (each for each in content["warnings"] if "highest score" in each)
    assert (
        note.startswith("8 of 16 photos") and "first 10 brambling/common-grass/2.png" in note and "4 of these" in note
    )
    assert found.tied.tolist() == [1, 1, 2, 2] * 4 and found.tied_with_own.tolist() == [0, 0, 1, 0] * 4
    assert ((found.predicted_index == found.class_index) == (found.correct == 1)).all()


def test_scores_that_are_all_equal_are_all_wrong(tmp_path, monkeypatch, undrawn):
    """The first candidate would be every photo's, and a set of its class alone would be right throughout."""
    monkeypatch.chdir(tmp_path)
    paths = made_photos(tmp_path / "photos", {"0 tench": ("water", "grass")}, 3)
    content, found = evaluate(tmp_path, paths, np.zeros((6, 1000)), np.arange(1000))
    assert found.correct.sum() == 0 and (found.tied == 1000).all()
    assert content["ties"]["accuracy_with_shares"] == pytest.approx({"common": 0.1, "counter": 0.1})


def test_without_ties_shares_change_nothing():
    columns = {"class_index": [1, 1, 2, 2], "group": ["common", "counter"] * 2, "correct": [1, 0, 1, 1]}
    found = ties_content(pd.DataFrame(columns | {"tied": 1, "tied_with_own": 0}))
    assert found["accuracy_with_shares"] == {"common": 100.0, "counter": 50.0} and found["photos"] == 0


@pytest.mark.parametrize("number", [999, 1001])
def test_a_number_of_candidates_that_is_not_the_setups(tmp_path, monkeypatch, refuses, undrawn, number):
    """One name too few or too many is told; all that there are, where that is asked for."""
    monkeypatch.chdir(tmp_path)
    paths = made_photos(tmp_path / "photos", LAYOUT, 2)
    (tmp_path / "names.txt").write_text("".join(f"thing {index}\n" for index in range(number)))
    scores = np.random.default_rng(0).normal(size=(len(paths), number))
    more = ("--names", "names.txt")
    content, _ = evaluate(tmp_path, paths, scores, np.arange(number), *more, "--setup", "all")
    assert content["setup"] == f"1v{number}"
    content, _ = evaluate(tmp_path, paths, scores, np.arange(number), *more, "--setup", "1v20")
    assert any(f"{number} classes, but the published 20" in note for note in content["warnings"])
    command = ("--data", "photos", "--scores", "scores.npz", *more)
    for setup in ((), ("--setup", "1v1000")):
        refuses(main, *command, *setup, words=["--scores", f"{number} classes", "1v1000 needs the 1000", "--setup all"])


def test_a_thousand_names_that_begin_at_1_are_not_imagenets(tmp_path, refuses):
    made_photos(tmp_path / "photos", LAYOUT, 1)
    (tmp_path / "names.txt").write_text("".join(f"{index}\tthing {index}\n" for index in range(1, 1001)))
    words = ["--names: names.txt has the index 1000", "from 0 to 999"]
    refuses(main, "--data", "photos", "--model", "nowhere", "--names", "names.txt", words=words)
