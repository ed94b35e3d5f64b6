"""Two measures of an evaluated model: effective robustness against published models, and the theory's reliance."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
from scipy.stats import norm

from published.tables import PublishedTables
from realdata.evaluate.predictions import class_table
from realdata.statistics.effective_robustness import robustness_of_one
from realdata.statistics.photo_error import group_proportions
from theory.statements.accuracy_on_the_line import Estimate, reliance_index
from workbench.conventions import GROUPS, Z95


def effective_robustness_content(predictions: pd.DataFrame, setup: str, tables: PublishedTables) -> dict[str, Any]:
    """Effective robustness against the line through the published ImageNet models (Table 4, or 14 for 1 vs. 20).

    Args:
        predictions: a row for each photo, with `class_index`, `group` and `correct`.
        setup: `1v1000`, `1v20`, or another one, for which no models are published.
        tables: the published tables.

    Returns:
        `value` in points, its 95% prediction `interval` for one more ImageNet model, `p_value` and `extrapolated`;
        or `reason` alone, if there is no value.
    """
    counts = class_table(predictions)
    complete = counts.index[(counts[list(GROUPS)] > 0).all(axis=1)]
    if set(complete) != set(tables.classes["imagenet_index"]) or len(complete) != len(counts):
        return {"reason": "the published line is for exactly the 45 classes of CounterAnimal"}
    results = tables.results
    chosen = (results.family == "imagenet") & (results.setup == setup) & (results.averaging == "balanced")
    if not chosen.any():
        return {"reason": f"no ImageNet models are published for {setup}"}
    line = group_proportions(results.loc[chosen], tables.classes)
    own = [float((counts[f"{group}_right"] / counts[group]).mean()) for group in GROUPS]
    if not all(0 < share < 1 for share in own):
        return {"reason": "an accuracy of 0 or 100% has no place on logit axes"}
    found = robustness_of_one(line[0], line[1], own[0], own[1])
    return {
        "value": found.value,
        "interval": list(found.interval),
        "p_value": found.p_value,
        "extrapolated": found.extrapolated,
    }


def reliance_content(predictions: pd.DataFrame) -> dict[str, Any]:
    """The index of spurious reliance (S19, `theory.statements.accuracy_on_the_line`) from class-balanced accuracies.

    Args:
        predictions: a row for each photo, with `class_index`, `group` and `correct`.

    Returns:
        `value`: 0 for a model that ignores the background, 1 for one that is right on half of the counter photos; its
        `standard_error`, from the number of photos, and its 95% `interval`; or `reason` alone, if there is no value.
    """
    counts = class_table(predictions)
    estimates = []
    for group in GROUPS:
        classes = counts[counts[group] > 0]
        shares = (classes[f"{group}_right"] / classes[group]).to_numpy()
        mean = float(shares.mean())
        if not 0 < mean < 1:
            return {"reason": "an accuracy of 0 or 100% has no probit"}
        error = float(np.sqrt((shares * (1 - shares) / classes[group].to_numpy()).sum())) / len(shares)
        value = float(norm.ppf(mean))
        estimates.append(Estimate(jnp.asarray(value), jnp.asarray(error / float(norm.pdf(value)))))
    found = reliance_index(*estimates)
    value, error = float(found.value), float(found.standard_error)
    if np.isnan(value):
        return {"reason": "its two probits do not sum to more than 0: in the theory's sense, it is worse than chance"}
    return {"value": value, "standard_error": error, "interval": [value - Z95 * error, value + Z95 * error]}
