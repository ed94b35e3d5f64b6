"""What the selection rule finds where there is nothing: backgrounds shuffled over the photos of each class.

For each class the test's statistic is the difference of the highest and the lowest accuracy of its backgrounds; under
the hypothesis that the background does not matter, every assignment of the backgrounds to the class's photos is equally
likely. The p-value counts the data among the permutations ((1 + as large) / (1 + permutations)), so it is never 0 and
its test is exact. The whole rule, threshold and all, is applied to every permutation too: the drop that the selection
would find by chance alone. Where the background does matter, less than that is due to chance: see
`realdata.curate.held_out`.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from realdata.curate.selection import Cells, choose, mean_kept

PERMUTATIONS = 10_000
_AT_ONCE = 1_000


class Chance(NamedTuple):
    """What chance gives.

    Attributes:
        drop: mean drop over the classes kept, in points, over the permutations that keep any; NaN if none does.
        p_value: of the test that no background matters, by the mean drop over the classes kept.
        classes: mean difference of each class's best and worst background, in points; the threshold plays no part.
        p_values: of each class's test; NaN where it has fewer than two backgrounds.
    """

    drop: float
    p_value: float
    classes: Float[np.ndarray, " classes"]
    p_values: Float[np.ndarray, " classes"]


def chance(
    cells: Cells,
    threshold: float,
    generator: np.random.Generator,
    permutations: int = PERMUTATIONS,
    advance: Callable[[int], object] = lambda done: None,
) -> Chance:
    """Apply the rule to shuffled photos.

    Args:
        cells: what was found.
        threshold: points by which a kept class's backgrounds differ.
        generator: of the permutations.
        permutations: how many.
        advance: called with the number of permutations done.
    """
    found = choose(cells.right, cells.photos, threshold)
    overall = float(mean_kept(found.drop, found.kept))
    overalls, total, as_large = [], np.zeros(len(cells.classes)), np.zeros(len(cells.classes))
    for start in range(0, permutations, _AT_ONCE):
        number = min(_AT_ONCE, permutations - start)
        # The right answers among the photos that each background gets.
        right = np.stack(
            [
                generator.multivariate_hypergeometric(photos, right.sum(), size=number, method="marginals")
                for photos, right in zip(cells.photos, cells.right, strict=True)
            ],
            axis=1,
        )
        drawn = choose(right, np.broadcast_to(cells.photos, right.shape), threshold)
        overalls.append(mean_kept(drawn.drop, drawn.kept))
        total += drawn.drop.sum(axis=0)
        # Equal fractions may differ by rounding.
        as_large += (drawn.drop >= found.drop - 1e-9).sum(axis=0)
        advance(number)
    values = np.concatenate(overalls)
    known = values[~np.isnan(values)]
    several = (cells.photos > 0).sum(axis=1) > 1
    return Chance(
        float(known.mean()) if len(known) else float("nan"),
        float("nan") if np.isnan(overall) else float((1 + (known >= overall - 1e-9).sum()) / (1 + permutations)),
        np.where(several, total / permutations, np.nan),
        np.where(several, (1 + as_large) / (1 + permutations), np.nan),
    )
