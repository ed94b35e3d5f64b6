"""Near and far mistakes: WordNet's groups, a planted confusion of species, and a planted pull of backgrounds."""

import functools

import numpy as np
import pandas as pd
import pytest

from published.directory import DIRECTORY
from realdata.evaluate.confusion import confusion
from realdata.evaluate.kinship import NEAR, are_imagenet, group_sizes
from realdata.evaluate.mistakes import mistakes
from tests import seeds

NAMES = {index: str(index) for index in range(1000)}


@functools.cache
def groups():
    """Synset to the ImageNet classes at or below it, by walking down from each."""
    edges = pd.read_csv(DIRECTORY / "wordnet_parents.csv")
    children = edges.groupby("parent")["synset"].apply(list).to_dict()
    index = pd.read_csv(DIRECTORY / "imagenet_classes.csv").set_index("wnid")["index"].to_dict()

    @functools.cache
    def below(synset):
        own = {index[synset]} if synset in index else set()
        return frozenset(own.union(*(below(child) for child in children.get(synset, []))))

    return {synset: below(synset) for synset in set(edges["synset"]) | set(edges["parent"])}


def test_groups_are_those_below_a_synset():
    rng = np.random.default_rng(0)
    first, second = rng.integers(1000, size=12), rng.integers(1000, size=12)
    first[:3], second[:3] = (10, 100, 281), (12, 99, 285)  # brambling, black swan, tabby; finch, goose, Egyptian cat
    sizes = group_sizes(first, second)
    for row, a in enumerate(first):
        for column, b in enumerate(second):
            assert sizes[row, column] == min(len(held) for held in groups().values() if {a, b} <= held)
    assert all(sizes[place, place] <= NEAR for place in range(3))
    # An ostrich is a bird as a hen is, of which there are 59.
    assert group_sizes(np.array([9]), np.array([8])) == len(groups()["n01503061"]) == 59 > NEAR


def test_the_thousand_classes_are_told_from_other_names():
    assert are_imagenet(NAMES) and not are_imagenet({0: "zero", 1: "one"})


def planted(near_on_counter, far_on_counter, photos=60, draw=0):
    """Birds on two groups of photos; each mistake is a near bird or a far thing that belongs to a background."""
    rng = seeds.generator(950 + draw)
    near_of = {10: 12, 11: 12, 12: 10, 100: 99, 127: 128, 128: 127, 132: 131, 134: 127, 22: 21, 24: 22}
    birds = list(near_of)
    backgrounds, lures = ("water", "grass"), {"water": 976, "grass": 580}
    rows = []
    for place, bird in enumerate(birds):
        for group, near, far in (("common", 0.1, 0.02), ("counter", near_on_counter, far_on_counter)):
            background = backgrounds[(place + (group == "counter")) % 2]
            for number in range(photos):
                where = rng.uniform()
                given = near_of[bird] if where < near else lures[background] if where < near + far else bird
                rows.append((f"{bird}/{group}/{number}", bird, group, background, given, int(given == bird)))
    columns = ["path", "class_index", "group", "background", "predicted_index", "correct"]
    return pd.DataFrame(rows, columns=columns)


@pytest.mark.simulation
@pytest.mark.parametrize(("near", "far"), [(0.4, 0.02), (0.1, 0.3)])
def test_a_drop_is_told_apart_into_near_and_far_mistakes(near, far):
    table = planted(near, far)
    found = confusion(table)
    accuracy = 100 * table.groupby(["group", "class_index"])["correct"].mean().groupby("group").mean()
    more = {kind: found[kind]["more_on_counter"] for kind in ("near", "far")}
    assert sum(part["value"] for part in more.values()) == pytest.approx(accuracy["common"] - accuracy["counter"])
    for kind, expected in (("near", 100 * (near - 0.1)), ("far", 100 * (far - 0.02))):
        low, high = more[kind]["interval"]
        error = (high - low) / (2 * 1.96)
        # Four errors; where counter photos have more mistakes, the interval says so.
        assert low <= more[kind]["value"] <= high and more[kind]["value"] == pytest.approx(expected, abs=4 * error)
        assert error < 4 and (low > 0 or expected < 5)


@pytest.mark.simulation
def test_only_far_mistakes_go_with_a_background_that_lures():
    found = mistakes(planted(0.3, 0.3), NAMES)
    assert found["far"]["with_background"] == 100.0
    assert found["near"]["judged"] + found["far"]["judged"] == found["judged"]
    assert found["near"]["with_background"] < found["far"]["with_background"]
