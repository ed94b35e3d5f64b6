"""Damaged files of every kind that a user may give: one line at most, and earlier results stay."""

import numpy as np
import pytest

from tests import fuzz

INPUTS = 12  # of each kind, by default
MANY = 120  # in the slow test

KINDS = ["names", "names in JSON", "class mapping", "metadata", "scores", "COCO", "IDX", "evaluated repairs"]
KINDS += ["Hugging Face's checkpoint", "OpenCLIP's checkpoint", "torchvision's file"]


@pytest.fixture(scope="module")
def targets(tmp_path_factory):
    return fuzz.targets(tmp_path_factory.mktemp("fuzz"))


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_are_met_with_one_line(targets, kind):
    assert set(targets) == set(KINDS)
    faults = [fuzz.run(kind, targets[kind], number) for number in range(INPUTS)]
    assert faults == [None] * INPUTS


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many_damaged_files_are_met_with_one_line(targets, kind):
    faults = [fuzz.run(kind, targets[kind], number) for number in range(INPUTS, MANY)]
    assert faults == [None] * (MANY - INPUTS)


def test_a_traceback_and_a_changed_result_are_seen(tmp_path):
    """The power of the above."""
    (tmp_path / "earlier").mkdir()
    (tmp_path / "earlier" / "result").write_text("earlier")

    def spoils(words):
        (tmp_path / "earlier" / "result").write_text("later")
        return 2

    def raises(words):
        raise KeyError("image_id")

    for main, said in ((spoils, "more than one line"), (raises, "KeyError"), (lambda words: 3, "exit code 3")):
        target = fuzz.Target({"a.json": b"{}"}, lambda here, main=main: fuzz._call(main, [], tmp_path / "earlier"))
        assert said in fuzz.run("a", target, 0)


def test_damage_is_of_every_sort_and_follows_from_its_number():
    whole = b'{"a": [1, 2, {"b": "c"}], "d": 0.5}'
    found = [fuzz.damaged(np.random.default_rng(number), whole, True) for number in range(300)]
    assert found == [fuzz.damaged(np.random.default_rng(number), whole, True) for number in range(300)]
    assert len(set(found)) > 150 and any(b"NaN" in each for each in found) and any(not each for each in found)
