"""The equivalence test says equal, different or inconclusive where that is so, and errs as seldom as it claims."""

import numpy as np
import pytest
from scipy.stats import t, ttest_rel

from sims.colored_digits.equivalence import compare_runs, overall
from tests import seeds
from workbench.conventions import LEVEL

pytestmark = pytest.mark.simulation


def test_p_values_of_one_comparison_are_the_textbooks():
    generator = seeds.generator(0)
    a, b = generator.normal(70, 3, 9), generator.normal(68, 3, 9)
    (found,) = compare_runs([a - b], margin=4.0)
    assert found.p_different == pytest.approx(ttest_rel(a, b).pvalue)
    error = (a - b).std(ddof=1) / 3
    by_hand = max(t.sf(((a - b).mean() + 4) / error, 8), t.cdf(((a - b).mean() - 4) / error, 8))
    assert found.p_equal == pytest.approx(by_hand)
    assert found.interval == pytest.approx((a - b).mean() + np.array([-1, 1]) * t.ppf(0.975, 8) * error)


def test_verdicts_of_planted_differences():
    generator = seeds.generator(1)

    def runs(mean, deviation):
        """Ten draws, moved to have this mean and deviation themselves: t, and so the verdict, follows."""
        drawn = generator.normal(size=10)
        return mean + deviation * (drawn - drawn.mean()) / drawn.std(ddof=1)

    same, far, wide = runs(0.2, 1), runs(20, 2), runs(3, 9)
    verdicts = [found.verdict for found in compare_runs([same, far, wide])]
    assert verdicts == ["equal", "different", "inconclusive"]
    # A difference that is certain and small is equal; one run says nothing; no difference at all is equal.
    small, lone, none = runs(1, 0.1), np.array([30.0]), np.zeros(5)
    found = compare_runs([small, lone, none])
    assert [each.verdict for each in found] == ["equal", "inconclusive", "equal"]
    assert found[0].p_different < LEVEL and found[1].interval is None


@pytest.mark.slow
def test_errors_are_as_rare_as_the_level_says():
    """At the margin itself `equal` is wrong, at no difference `different` is: each in 5% of cases, 1000 drawn."""
    generator = seeds.generator(2)
    at_margin = [compare_runs([generator.normal(5.0, 4, 10)])[0].verdict for _ in range(1000)]
    at_zero = [compare_runs([generator.normal(0.0, 40, 10)])[0].verdict for _ in range(1000)]
    allowed = 1000 * LEVEL + 4 * np.sqrt(1000 * LEVEL)
    assert 0 < at_margin.count("equal") < allowed
    assert 0 < at_zero.count("different") < allowed


def test_many_comparisons_are_corrected():
    """Twenty comparisons of nothing: without correction one would be called different in two thirds of the cases."""
    generator = seeds.generator(3)
    found = sum(
        any(each.verdict == "different" for each in compare_runs(list(generator.normal(0, 40, (20, 10)))))
        for _ in range(100)
    )
    assert found < 100 * LEVEL + 4 * np.sqrt(100 * LEVEL)


def test_several_in_a_word():
    assert overall(["equal", "equal"]) == "equal"
    assert overall(["equal", "different"]) == "different"
    assert overall(["equal", "inconclusive"]) == "inconclusive"
    assert overall([]) == "inconclusive"
