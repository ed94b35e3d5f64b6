"""What counter photos are mistaken for: planted mistakes that go with the background are found, others are not."""

import numpy as np
import pandas as pd
import pytest

from realdata.evaluate.mistakes import mistakes
from tests import seeds

pytestmark = pytest.mark.simulation

BACKGROUNDS = ("sky", "water", "grass", "sand")
# Candidates that are no class's: one for each background.
LURES = {background: 100 + number for number, background in enumerate(BACKGROUNDS)}
NAMES = {index: f"class {index}" for index in range(200)}


def planted(led, classes=24, photos=30, seed=0):
    """Predictions whose mistakes are their background's lure with probability `led`, any lure otherwise."""
    generator = seeds.generator(seed)
    rows = []
    for index in range(classes):
        common = BACKGROUNDS[index % 4]
        counter = BACKGROUNDS[(index + 1 + index // 4 % 3) % 4]
        for group, background, right in (("common", common, 0.8), ("counter", counter, 0.5)):
            for number in range(photos):
                lure = LURES[background] if generator.random() < led else generator.choice(list(LURES.values()))
                predicted = index if generator.random() < right else int(lure)
                path = f"{index}/{group}-{background}/{number}"
                rows.append((path, index, group, background, predicted, int(predicted == index)))
    columns = ["path", "class_index", "group", "background", "predicted_index", "correct"]
    return pd.DataFrame(rows, columns=columns)


def test_mistakes_that_go_with_the_background_are_found():
    table = planted(led=0.8)  # so that in every draw the lure leads in the class that is told first
    found = mistakes(table, NAMES)
    wrong = table[(table.group == "counter") & (table.correct == 0)]
    led = 100 * (wrong.predicted_index == wrong.background.map(LURES)).mean()
    assert found["with_background"] == pytest.approx(led) and led > 50
    # Of four backgrounds that are dealt out evenly, one fits.
    assert found["expected"] == pytest.approx(25, abs=1) and found["p_value"] < 0.001
    first = found["classes"][0]
    assert first["background"] == "water"
    assert (
        first["mistaken_for"][0]["class_index"] == LURES["water"] and first["mistaken_for"][0]["goes_with_background"]
    )


def test_mistakes_that_have_nothing_to_do_with_it_are_not():
    """The test's level: of forty sets without any lead, about two come below 5%, and seven would be chance at 0.3%."""
    p_values = [mistakes(planted(led=0.0, photos=15, seed=seed), NAMES)["p_value"] for seed in range(40)]
    assert np.sum(np.array(p_values) < 0.05) <= 6


def test_shares_are_the_tables():
    table = planted(led=0.5, classes=8)
    found = mistakes(table, NAMES)
    wrong = table[(table.group == "counter") & (table.correct == 0)]
    assert found["counter_mistakes"] == len(wrong)
    for row in found["classes"]:
        of_class = table[table.class_index == row["class_index"]]
        for each in row["mistaken_for"]:
            said = of_class.predicted_index == each["class_index"]
            assert each["photos"] == (said & (of_class.group == "counter")).sum()
            assert each["share"] == pytest.approx(100 * said[of_class.group == "counter"].mean())
            assert each["share_of_common"] == pytest.approx(100 * said[of_class.group == "common"].mean())


def test_a_class_is_not_judged_by_its_own_photos_nor_by_the_labels():
    """Two classes: what one is mistaken for can be judged by the other alone, whose own label it is."""
    rows = [
        ("a", 0, "common", "sky", 0, 1),
        ("b", 0, "counter", "water", 1, 0),
        ("c", 1, "common", "water", 1, 1),
        ("d", 1, "counter", "sky", 1, 1),
    ]
    table = pd.DataFrame(rows, columns=["path", "class_index", "group", "background", "predicted_index", "correct"])
    found = mistakes(table, NAMES)
    assert found["judged"] == 0 and found["with_background"] is None and found["p_value"] is None
    assert found["classes"][0]["mistaken_for"][0]["goes_with_background"] is None


def test_a_label_that_is_as_frequent_elsewhere_does_not_go_with_the_background():
    """Other classes' photos are never called so, on this background or on another."""
    rows = [
        ("a", 0, "common", "sky", 0, 1),
        ("b", 0, "counter", "water", 100, 0),
        ("c", 1, "common", "water", 1, 1),
        ("d", 1, "counter", "sky", 1, 1),
    ]
    table = pd.DataFrame(rows, columns=["path", "class_index", "group", "background", "predicted_index", "correct"])
    found = mistakes(table, NAMES)
    assert found["judged"] == 1 and found["with_background"] == 0.0
    assert found["classes"][0]["mistaken_for"][0]["goes_with_background"] is False


def test_no_mistakes_are_no_trouble():
    table = planted(led=0.5, classes=4)
    table["predicted_index"], table["correct"] = table["class_index"], 1
    assert mistakes(table, NAMES) == {
        "counter_mistakes": 0, "judged": 0, "with_background": None, "expected": None, "p_value": None, "near": None,
        "far": None, "classes": []
    }  # fmt: skip
