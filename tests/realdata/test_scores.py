"""Models that were run elsewhere: the same scores give the same numbers, and wrong files are told."""

import json

import numpy as np
import pandas as pd
import pytest

from realdata.evaluate.program import main
from tests.realdata.made import made_photos

LAYOUT = {"9 ostrich": ("ground", "water"), "10 brambling": ("grass", "sky"), "100 black swan": ("water", "ground")}


@pytest.fixture
def scores(tmp_path):
    """Scores of 1,000 candidates for photos in the released layout."""
    paths = made_photos(tmp_path / "photos", LAYOUT, 6)
    generator = np.random.default_rng(0)
    arrays = {
        "paths": np.array(paths),
        "scores": generator.normal(size=(len(paths), 1000)).astype(np.float32),
        "candidates": np.arange(1000),
    }
    for row, path in enumerate(paths):  # right on two thirds
        arrays["scores"][row, int(path.split()[0])] += 6.0 * (row % 3 > 0)
    return arrays


def evaluate(tmp_path, arrays, *more):
    np.savez(tmp_path / "scores.npz", **arrays)
    words = ("--data", "photos", "--scores", "scores.npz", "--out", "out", "--json", "out.json", *more)
    assert main(list(words)) == 0
    return json.loads((tmp_path / "out.json").read_text()), pd.read_csv(tmp_path / "out" / "predictions.csv")


def test_predictions_follow_from_the_scores(tmp_path, monkeypatch, scores, undrawn):
    monkeypatch.chdir(tmp_path)
    content, found = evaluate(tmp_path, scores)
    best = dict(zip(scores["paths"].tolist(), scores["scores"].argmax(axis=1).tolist(), strict=True))
    assert found.predicted_index.tolist() == [best[path] for path in found.path]
    assert content["setup"] == "1v1000" and content["kind"] == "scores"
    assert any("'goldfish'" not in warning and "is not there" in warning for warning in content["warnings"])


def test_photos_that_cannot_be_opened_are_scored_and_drawn_as_empty(tmp_path, monkeypatch, scores):
    """Whoever made the scores could open them; the page of photos says which it could not."""
    monkeypatch.chdir(tmp_path)
    whole, _ = evaluate(tmp_path, scores)
    drawn = (tmp_path / "out" / "flips.png").read_bytes()
    for path in scores["paths"]:
        (tmp_path / "photos" / path).write_bytes(b"no image")
    broken, _ = evaluate(tmp_path, scores, "--out", "again")
    assert broken["groups"] == whole["groups"]
    assert (tmp_path / "again" / "flips.png").read_bytes() != drawn


def test_the_order_of_photos_and_candidates_does_not_matter(tmp_path, monkeypatch, scores, undrawn):
    monkeypatch.chdir(tmp_path)
    _, found = evaluate(tmp_path, scores, "--setup", "1v20")
    generator = np.random.default_rng(1)
    rows, columns = generator.permutation(len(scores["paths"])), generator.permutation(1000)
    mixed = {
        "paths": scores["paths"][rows],
        "scores": scores["scores"][rows][:, columns],
        "candidates": scores["candidates"][columns],
    }
    _, again = evaluate(tmp_path, mixed, "--setup", "1v20")
    assert found.equals(again)


def test_what_is_not_scored_is_told(tmp_path, monkeypatch, scores, undrawn):
    monkeypatch.chdir(tmp_path)
    scores["paths"][0] = "100 black swan/common-water/gone.png"
    content, found = evaluate(tmp_path, scores)
    assert len(found) == len(scores["paths"]) - 1
    told = " ".join(content["warnings"])
    assert "no scores: 1 of the photos" in told and "scores of no photo: 1" in told


def changed(name, change):
    def apply(arrays):
        arrays[name] = change(arrays[name])

    return apply


WRONG = {
    "NaN": (lambda a: a["scores"].__setitem__((3, 7), np.nan), ["candidate 7 is nan", "3.png"]),
    "a column too few": (
        changed("scores", lambda s: s[:, :-1]),
        ["a column for each", "(36, 1000)", "(36, 999)"],
    ),
    "one dimension": (changed("scores", lambda s: s[:, 0]), ["a row for each path", "(36,)"]),
    "no candidates": (lambda a: a.pop("candidates"), ["lacks the array 'candidates'"]),
    "a path twice": (lambda a: a["paths"].__setitem__(1, a["paths"][0]), ["occurs twice"]),
    "an unknown candidate": (lambda a: a["candidates"].__setitem__(5, 2000), ["candidate 2000 is not an index"]),
    "pickled paths": (changed("paths", lambda p: p.astype(object)), ["without pickled objects"]),
    "words for scores": (changed("scores", lambda s: s.astype(str)), ["floating scores"]),
    "other photos": (changed("paths", lambda p: np.array([f"elsewhere/{each}" for each in p])), ["no photo of --data"]),
    "no path": (lambda a: a.update(paths=a["paths"][:0], scores=a["scores"][:0]), ["holds no scores", "(0, 1000)"]),
    "no candidate": (
        lambda a: a.update(candidates=a["candidates"][:0], scores=a["scores"][:, :0]),
        ["holds no scores", "(36, 0)"],
    ),
    "a path of other bytes": (
        changed("paths", lambda p: np.array([b"\xff", *(each.encode() for each in p[1:])])),
        ["a path is not text in UTF-8"],
    ),
    "half a character": (changed("paths", lambda p: np.array(["\ud800", *p[1:]])), ["a path is not text in UTF-8"]),
    "nothing for a photo": (lambda a: a["scores"].__setitem__(4, -np.inf), ["no score for any of its candidates"]),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_scores_are_told(tmp_path, refuses, scores, name):
    change, words = WRONG[name]
    change(scores)
    np.savez(tmp_path / "scores.npz", **scores)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "summary.json").write_text("{}")
    refuses(main, "--data", "photos", "--scores", "scores.npz", "--out", "out", words=["--scores", *words])
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["summary.json"]
    assert (tmp_path / "out" / "summary.json").read_text() == "{}"


def test_predictions_that_were_written_are_read_again(tmp_path, monkeypatch, scores, undrawn):
    from realdata.evaluate.predictions import read_predictions

    monkeypatch.chdir(tmp_path)
    _, found = evaluate(tmp_path, scores)
    again = read_predictions(tmp_path / "out")
    assert (again.drop(columns="score").astype(str) == found.drop(columns="score").astype(str)).all(axis=None)


def test_what_each_accuracy_averages_over_is_said(tmp_path, monkeypatch, scores, undrawn):
    """Of classes with 1, 2 and 6 photos: the two averages differ, and each is the one that the summary names."""
    monkeypatch.chdir(tmp_path)
    most = {"9": 1, "10": 2, "100": 6}
    kept = [row for row, path in enumerate(scores["paths"]) if int(path[-5]) < most[path.split()[0]]]
    scores |= {"paths": scores["paths"][kept], "scores": scores["scores"][kept]}
    content, found = evaluate(tmp_path, scores)
    over = content["averages_over"]
    said = {f"{part}.{key}" for part in ("groups", "drop", "worst_group") for key in keys(content[part])}
    assert {place for place in said if "accuracy" in place or place == "drop.value"} <= over.keys()
    for group, of_group in found.groupby("group"):
        by_class = of_group.groupby("class_index").correct.mean()
        wanted = {"classes": 100 * by_class.mean(), "photos": 100 * of_group.correct.mean()}
        assert abs(wanted["classes"] - wanted["photos"]) > 1
        for key in ("accuracy", "accuracy_unbalanced"):
            assert content["groups"][group][key] == pytest.approx(wanted[over[f"groups.{key}"]])
        assert content["ties"]["accuracy_with_shares"][group] == pytest.approx(
            wanted[over["ties.accuracy_with_shares"]]
        )
    for place, what in over.items():
        assert place.partition(".")[0] in content and what in ("classes", "photos"), place


def keys(content):
    """The keys of numbers in a part of a summary, without the groups' names."""
    return set().union(*(keys(value) if isinstance(value, dict) else {key} for key, value in content.items()))
