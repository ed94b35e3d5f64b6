"""Intervals of accuracies and of differences: as wide as they should be, and never of no width where photos are few."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta

from realdata.evaluate.predictions import class_table, group_intervals
from realdata.statistics.bootstrap import comparison, pair, paired_intervals, with_width
from tests import seeds

pytestmark = pytest.mark.simulation


def planted(classes=30, photos=40, seed=0):
    generator = seeds.generator(seed)
    rows = []
    for index in range(classes):
        for group, mean in (("common", 0.8), ("counter", 0.5)):
            right = generator.random(photos) < generator.beta(8 * mean, 8 * (1 - mean))
            rows += [{"class_index": index, "group": group, "correct": int(each)} for each in right]
    return pd.DataFrame(rows)


def test_intervals_are_as_wide_as_the_sampling_error():
    """Against textbook standard errors: within a class binomial; over classes, of the class means."""
    predictions = planted()
    found = group_intervals(class_table(predictions))
    for group in ("common", "counter"):
        of_class = predictions[predictions.group == group].groupby("class_index").correct
        share, number = of_class.mean(), of_class.size()
        over_photos = 100 * np.sqrt((share * (1 - share) / number).sum()) / len(share)
        # Classes drawn again, and photos within them, add the photos' error to the spread of the class means.
        over_classes = np.hypot(100 * share.std(ddof=0) / np.sqrt(len(share)), over_photos)
        for ends, error in ((found[group].over_photos, over_photos), (found[group].over_classes, over_classes)):
            # 10,000 draws know an interval's width to 2%.
            assert ends[1] - ends[0] == pytest.approx(2 * 1.96 * error, rel=0.06)
        assert found[group].over_classes[1] - found[group].over_classes[0] > 1.3 * 2 * 1.96 * over_photos


def test_a_class_without_photos_in_a_group_counts_only_in_the_other():
    predictions = planted(classes=4)
    predictions = predictions[~((predictions.class_index == 2) & (predictions.group == "counter"))]
    table = class_table(predictions)
    found = group_intervals(table)
    common = predictions[predictions.group == "common"].groupby("class_index").correct.mean()
    counter = predictions[predictions.group == "counter"].groupby("class_index").correct.mean()
    assert found["common"].value == pytest.approx(100 * common.mean())
    assert found["counter"].value == pytest.approx(100 * counter.mean())
    assert found["drop"].value == pytest.approx(100 * (common.mean() - counter.mean()))


def test_one_class_that_is_always_right_has_the_exact_binomial_bound():
    """Clopper and Pearson's, by another route: SciPy's beta quantile."""
    table = pd.DataFrame({"common": [40], "common_right": [40], "counter": [25], "counter_right": [0]})
    found = group_intervals(table)
    assert found["common"].over_photos == pytest.approx((100 * beta.ppf(0.025, 40, 1), 100.0))
    assert found["counter"].over_photos == pytest.approx((0.0, 100 * beta.ppf(0.975, 1, 25)))
    low = 100 - np.hypot(100 - found["common"].over_photos[0], found["counter"].over_photos[1])
    assert found["drop"].over_photos == pytest.approx((low, 100.0))


def test_several_classes_that_are_always_right_have_the_lowest_mean_that_is_possible():
    """No accuracies with a lower mean make all photos right with 2.5%: tried at random."""
    photos = np.array([5, 12, 30])
    table = pd.DataFrame({"common": photos, "common_right": photos, "counter": photos, "counter_right": photos // 2})
    low = group_intervals(table)["common"].over_photos[0] / 100
    generator = seeds.generator(0)
    shares = generator.dirichlet(np.ones(3), 200_000)
    accuracies = 0.025 ** (shares / photos)  # whose product to the power of the photos is 2.5%
    means = accuracies.mean(axis=1)
    assert low <= means.min() and means.min() - low < 1e-3


def test_intervals_that_have_a_width_are_left_alone():
    table = class_table(planted(classes=3))
    right, photos = (
        {group: table[f"{group}{end}"].to_numpy() for group in ("common", "counter")} for end in ("_right", "")
    )
    intervals = group_intervals(table)
    assert with_width(intervals, right, photos) == intervals


def two_models(classes=30, photos=40, seed=0, shared=0.8):
    """Two models whose answers agree beyond chance: a share of the photos is as hard for one as for the other."""
    generator = seeds.generator(seed)
    rows = []
    for index in range(classes):
        for group, means in (("common", (0.8, 0.7)), ("counter", (0.5, 0.45))):
            same = generator.random(photos) < shared
            draws = [generator.random(photos) for _ in range(2)]
            draws[1] = np.where(same, draws[0], draws[1])
            for number in range(photos):
                right = [int(draw[number] < mean) for draw, mean in zip(draws, means, strict=True)]
                rows.append((f"{index}/{group}/{number}", index, group, *right))
    table = pd.DataFrame(rows, columns=["path", "class_index", "group", "a", "b"])
    return [table.rename(columns={name: "correct"})[["path", "class_index", "group", "correct"]] for name in "ab"]


def test_paired_intervals_are_as_wide_as_the_differences_error_and_narrower_than_unpaired_ones():
    first, second = two_models()
    pairs = pair(first, second)
    found = paired_intervals(pairs)
    alone = [group_intervals(class_table(each)) for each in (first, second)]
    for group in ("common", "counter"):
        part = pairs[pairs.group == group]
        difference = (part.correct_a - part.correct_b).groupby(part.class_index)
        value, error = 100 * difference.mean().mean(), 100 * np.sqrt((difference.var(ddof=0) / 40).sum()) / 30
        assert found[group].value == pytest.approx(value)
        low, high = found[group].over_photos
        assert high - low == pytest.approx(2 * 1.96 * error, rel=0.06)  # 10,000 draws
        # As if the models had seen different photos: the power of pairing, at 80% of shared photos.
        assert high - low < 0.75 * np.hypot(*(np.diff(of[group].over_photos)[0] for of in alone))
    assert found["drop"].value == pytest.approx(found["common"].value - found["counter"].value)


def test_a_comparison_counts_who_is_right():
    first, second = two_models(classes=3)
    content = comparison(pair(first, second))
    for group, counts in content["photos"].items():
        a, b = (table[table.group == group].correct.to_numpy() for table in (first, second))
        assert counts["only_a_right"] == ((a == 1) & (b == 0)).sum() and counts["both_wrong"] == ((a + b) == 0).sum()
        assert sum(counts.values()) == 2 * counts["photos"]
