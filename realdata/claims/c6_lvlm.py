"""C6, language models that see through a CLIP's tower still lose accuracy (Table 5).

Each language model's drop is tested as a CLIP's is (C1). Whether it loses more than a CLIP of its accuracy would is
asked too: its distance from the line through the CLIPs of the same setup on logit-scaled axes. Language models whose
common accuracy no CLIP has lie where that line is extended, and there is no answer then.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.stats import norm

from published.tables import PublishedTables
from realdata.claims.c1_drop import drop_errors
from realdata.claims.claim_test import LEVEL, ClaimTest
from realdata.claims.hypothesis import Estimate, negative, positive
from realdata.claims.rows import model_figures, row
from realdata.claims.settings import Setting
from realdata.statistics.effective_robustness import robustness_of_one
from realdata.statistics.photo_error import proportions

_EVERY = positive("at least one language model loses nothing", "points")
_LOSES_MORE = negative("language models lose no more than CLIPs of the same common accuracy", "points")
_OUTSIDE = "no CLIP has so low an accuracy on common photos: the line through them is extended far"


def test_lvlms(setting: Setting, lvlms: pd.DataFrame, tables: PublishedTables) -> Iterator[ClaimTest]:
    """The claim for the language models of a table.

    Args:
        setting: of the CLIPs measured in the same setup, and without language models.
        lvlms: a row for each language model.
        tables: for the photo counts.
    """
    tables_used = tuple(dict.fromkeys(lvlms["table"]))
    source = "added" if tables_used == ("",) else setting.source
    asked = dataclasses.replace(setting, source=source, clips=lvlms, tables=tables_used)
    errors = drop_errors(lvlms, setting.averaging, tables)
    drops = (lvlms["common"] - lvlms["counter"]).to_numpy()
    estimates = [Estimate(float(drop), float(error)) for drop, error in zip(drops, errors, strict=True)]
    every = _EVERY.p_values_of_all(estimates)
    models = model_figures(
        lvlms, drop=drops.tolist(), stderr=errors.tolist(), interval=[estimate.interval for estimate in estimates]
    )
    note = (
        f"{len(lvlms)} language models are published, which share their photos and differ in tower, data and language "
        "model: they show that these lose accuracy, and nothing of what kind of model loses how much"
    )
    naive = Estimate(float(np.mean(drops)), float(np.mean(errors)))
    yield row("C6", "drop", asked, _EVERY, naive, None, models, [note], p_values=every)

    shares = [
        [
            proportions(frame[group].to_numpy(), tables.classes[f"{group}_photos"].to_numpy())
            for group in ("common", "counter")
        ]
        for frame in (setting.clips, lvlms)
    ]
    (clips_common, clips_counter), (common, counter) = shares
    ones = [
        robustness_of_one(clips_common, clips_counter, *pair)
        for pair in zip(common.tolist(), counter.tolist(), strict=True)
    ]
    beside = model_figures(
        lvlms, effective_robustness=[one.value for one in ones], interval=[one.interval for one in ones]
    )
    # Each interval is of one more CLIP; their mean's, were their errors perfectly correlated.
    half_width = float(np.mean([(one.interval[1] - one.interval[0]) / 2 for one in ones]))
    mean = Estimate(float(np.mean([one.value for one in ones])), half_width / float(norm.ppf(1 - LEVEL / 2)))
    undecidable = _OUTSIDE if any(one.extrapolated for one in ones) else ""
    yield row("C6", "against CLIPs of the same accuracy", asked, _LOSES_MORE, mean, None, beside, [], undecidable)
