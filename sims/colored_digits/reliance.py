"""Each learner's index of spurious reliance (S19), from its accuracies, beside the linear theory's prediction.

The index compares images of 0 and 1 on their own colour with such images on each other's. Rand and Rev are mixtures of
these two groups where there are two classes, so that they say the same; with more classes Rand has other colours too,
and the two groups themselves are used.
"""

from typing import Any

import numpy as np

from sims.colored_digits.accuracy import GROUPS
from sims.colored_digits.config import DigitsConfig
from sims.colored_digits.digits import Digits
from sims.colored_digits.linear_theory import index, indices, measured_model, predicted
from sims.colored_digits.result import Row

_DRAWS = 1000  # of the bootstrap
_PAIR = [GROUPS.index(group) for group in ("aligned", "conflicting")]


def reliance(row: Row, config: DigitsConfig, digits: Digits) -> dict[str, Any]:
    """Indices of all learners and, for two classes, what the theory predicts; JSON-ready.

    An index is None where the learner has none: it is right on fewer images in sum than wrong, or always right or
    wrong in a group. Its interval is 95%, by bootstrap over the runs, and None where a draw has no index.
    """
    model = measured_model(digits.train, config) if config.design.classes == 2 else None
    theory = {} if model is None else predicted(model, config)
    learners = []
    for name, accuracies in row.accuracies.items():
        pairs = accuracies[:, _PAIR] / 100.0
        learners.append(
            {
                "objective": name,
                "index": index(*pairs.mean(axis=0)),
                "interval": _interval(pairs, config.seed),
                "theory": theory.get(name),
            }
        )
    strengths = ("mu_inv", "sigma_inv", "mu_spu", "sigma_spu")
    return {
        "features": None if model is None else {name: float(getattr(model, name)) for name in strengths},
        "learners": learners,
    }


def _interval(pairs: np.ndarray, seed: int) -> list[float] | None:
    runs = len(pairs)
    if runs < 2:
        return None
    chosen = np.random.default_rng(seed).integers(runs, size=(_DRAWS, runs))
    drawn = indices(*pairs[chosen].mean(axis=1).T)
    known = [value for value in drawn if value is not None]
    return np.percentile(known, [2.5, 97.5]).tolist() if len(known) == _DRAWS else None
