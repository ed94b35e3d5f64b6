"""Where a model stands: its numbers against those of the published tables, recomputed by other means."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from scipy.stats import norm

from published.directory import DIRECTORY
from published.tables import read_published_tables
from realdata.evaluate.result import effective_robustness_content, reliance_content
from realdata.photos.folders import Photo, differences
from tests import seeds

pytestmark = pytest.mark.simulation

TABLES = read_published_tables()


def replicated(backbone, pretrain):
    """Predictions with the replication's own counts of right answers, class by class."""
    table = pd.read_csv(DIRECTORY / "replication_classwise.csv")
    table = table[(table.backbone == backbone) & (table.pretrain == pretrain)]
    classes = TABLES.classes.set_index("imagenet_index")
    rows = []
    for row in table.itertuples():
        for group in ("common", "counter"):
            photos = int(classes.at[row.imagenet_index, f"{group}_photos"])
            right = round(getattr(row, group) / 100 * photos)
            rows += [(row.imagenet_index, group, int(number < right)) for number in range(photos)]
    return pd.DataFrame(rows, columns=["class_index", "group", "correct"]), table


def test_effective_robustness_is_the_distance_from_the_published_line():
    """Of a replicated model, against a line fitted by NumPy to Table 4."""
    predictions, table = replicated("ViT/B/16", "LAION2B")
    results = TABLES.results[(TABLES.results.table == "4")]
    slope, intercept = np.polyfit(logit(results.common / 100), logit(results.counter / 100), 1)
    common, counter = table.common.mean(), table.counter.mean()
    found = effective_robustness_content(predictions, "1v1000", TABLES)
    # Counts are whole photos: the averages agree to what that rounds.
    assert found["value"] == pytest.approx(counter - 100 * expit(intercept + slope * logit(common / 100)), abs=0.3)
    assert found["interval"][0] < found["value"] < found["interval"][1]
    assert effective_robustness_content(predictions, "1v20", TABLES)["value"] != pytest.approx(found["value"], abs=0.5)


def test_other_photos_and_setups_have_no_published_line():
    predictions, _ = replicated("ViT/B/16", "LAION2B")
    fewer = predictions[predictions.class_index != 9]
    assert "exactly the 45 classes" in effective_robustness_content(fewer, "1v1000", TABLES)["reason"]
    assert "no ImageNet models" in effective_robustness_content(predictions, "1v10", TABLES)["reason"]
    right = predictions.assign(correct=1)
    assert "no place on logit axes" in effective_robustness_content(right, "1v1000", TABLES)["reason"]


def test_the_index_of_reliance_is_that_of_the_theory_with_its_error():
    """Against the formula, and the error against the spread over photos drawn again."""
    predictions, _ = replicated("ViT/B/16", "LAION2B")
    counted = predictions.groupby(["group", "class_index"]).correct.agg(["mean", "size"])

    def index(means):
        common, counter = (norm.ppf(means[group].mean()) for group in ("common", "counter"))
        return (common - counter) / (common + counter)

    found = reliance_content(predictions)
    shares = {group: counted.loc[group]["mean"].to_numpy() for group in ("common", "counter")}
    assert found["value"] == pytest.approx(index(shares))
    assert found["interval"] == pytest.approx(found["value"] + norm.ppf([0.025, 0.975]) * found["standard_error"])
    generator = seeds.generator(0)
    drawn = []
    for _ in range(2000):
        sizes = {group: counted.loc[group]["size"].to_numpy() for group in shares}
        drawn.append(index({g: generator.binomial(sizes[g], shares[g]) / sizes[g] for g in shares}))
    assert found["standard_error"] == pytest.approx(np.std(drawn), rel=0.06)  # 2,000 draws know it to 1.6%


def test_models_without_an_index_say_why():
    half = pd.DataFrame({"class_index": 9, "group": ["common"] * 10 + ["counter"] * 10, "correct": [1, 0, 0, 0, 0] * 4})
    assert "worse than chance" in reliance_content(half)["reason"]
    assert "no probit" in reliance_content(half.assign(correct=1))["reason"]


def published_photos():
    classes = pd.read_csv(DIRECTORY / "classes.csv")
    return [
        Photo(f"{row.imagenet_index}/{group}/{number}", row.imagenet_index, group, getattr(row, f"{group}_background"))
        for row in classes.itertuples()
        for group in ("common", "counter")
        for number in range(getattr(row, f"{group}_photos"))
    ]


def test_counts_that_differ_from_the_published_ones_are_told():
    photos = published_photos()
    assert differences(photos, TABLES.classes) == []
    assert differences(photos[1:], TABLES.classes) == ["'ostrich' (9) has 205 common photos, where 206 are published"]
    assert differences([photo for photo in photos if photo.class_index != 9], TABLES.classes) == [
        "'ostrich' (9) of CounterAnimal is not there"
    ]
    moved = [photo._replace(background="snow") if number == 0 else photo for number, photo in enumerate(photos)]
    assert differences(moved, TABLES.classes) == ["'ostrich' (9) has common photos on snow, where ground is published"]


def test_another_set_is_not_compared():
    assert differences([Photo("a", 0, "common", "red"), Photo("b", 9, "counter", "red")], TABLES.classes) == []
