"""C1, every CLIP loses accuracy from the common to the counter photos.

For each CLIP the drop and its error from the number of photos (a bound, see `realdata.statistics.photo_error`; the two
groups are different photos, so their errors add in squares). The claim is about every CLIP, so its naive p-value is the
largest of the models' (an intersection-union test), and the opposite, that some CLIP gains, takes the smallest times
their number (Bonferroni). The effect is the mean drop; its naive error takes the models' errors as perfectly
correlated, since they saw the same photos. Clustered errors are of the mean drop over CLIPs like these.
"""

import numpy as np
import pandas as pd

from published.tables import PublishedTables
from realdata.claims.claim_test import ClaimTest
from realdata.claims.clusters import clusters_of, regression
from realdata.claims.hypothesis import Estimate, positive
from realdata.claims.rows import model_figures, row
from realdata.claims.settings import Setting
from realdata.statistics.photo_error import proportions, standard_errors

_EVERY = positive("at least one CLIP loses nothing", "points")


def test_drop(setting: Setting, tables: PublishedTables) -> ClaimTest:
    """The claim in one setting."""
    errors = drop_errors(setting.clips, setting.averaging, tables)
    drops = (setting.clips["common"] - setting.clips["counter"]).to_numpy()
    estimates = [Estimate(float(drop), float(error)) for drop, error in zip(drops, errors, strict=True)]
    models = model_figures(
        setting.clips,
        drop=[estimate.effect for estimate in estimates],
        stderr=[estimate.stderr for estimate in estimates],
        interval=[estimate.interval for estimate in estimates],
    )
    notes = [
        f"{' '.join(filter(None, (model['backbone'], model['pretrain'], model['checkpoint'])))}: its drop of "
        f"{model['drop']:.2f} points, at {model['common']:.2f}% common accuracy, is not shown to be above 0"
        for model in models
        if model["interval"][0] <= 0
    ]
    naive = Estimate(float(np.mean(drops)), float(np.mean(errors)))
    clustered = None
    if len(drops) > 1:
        clustered = regression(drops, np.ones((len(drops), 1)), clusters_of(setting.clips), _EVERY)[1]
    every = _EVERY.p_values_of_all(estimates)
    return row("C1", "drop", setting, _EVERY, naive, clustered, models, notes, p_values=every)


def drop_errors(models: pd.DataFrame, averaging: str, tables: PublishedTables) -> np.ndarray:
    """Standard errors of drops in points from the number of photos, shape (models,).

    Args:
        models: a row for each, with `common` and `counter` in %, and `common_stderr` and `counter_stderr` where its
            classes are known.
        averaging: `balanced` or `unbalanced`.
        tables: for the published photo counts.
    """
    parts = []
    for group in ("common", "counter"):
        photos = tables.classes[f"{group}_photos"].to_numpy()
        shares = proportions(models[group].to_numpy(), photos)
        bounds = 100 * standard_errors(shares, photos, averaging)
        parts.append(models[f"{group}_stderr"].to_numpy() if f"{group}_stderr" in models else bounds)
    return np.hypot(*parts)
