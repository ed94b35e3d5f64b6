"""C6, language models with a CLIP's image tower still lose accuracy (Table 5).

Each language model's drop is tested like a CLIP's (C1). A second question is whether it loses more than a CLIP of its
accuracy: this is its distance from the line through the CLIPs of the same setup on logit-scaled axes. If its common
accuracy is outside the CLIPs' range, the line is extrapolated, and there is no answer.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np
import pandas as pd

from published.tables import PublishedTables
from realdata.claims.c1_drop import drop_errors
from realdata.claims.claim_test import ClaimTest, model_figures, record_test
from realdata.claims.hypothesis import Effect, negative, positive
from realdata.claims.settings import Setting
from realdata.statistics.effective_robustness import robustness_of_one
from realdata.statistics.photo_error import group_proportions
from workbench.conventions import Z95

_EVERY = positive("at least one language model loses nothing", "points")
_LOSES_MORE = negative("language models lose no more than CLIPs of the same common accuracy", "points")
_OUTSIDE = "no CLIP has so low an accuracy on common photos: the line through them is extended far"


def ask_lvlms(setting: Setting, lvlms: pd.DataFrame, tables: PublishedTables) -> Iterator[ClaimTest]:
    """Ask whether the language models of a table lose accuracy, and whether more than CLIPs of their accuracy.

    Args:
        setting: the setting of the CLIPs measured in the same setup.
        lvlms: a row for each language model.
        tables: the tables with the photo counts.
    """
    tables_used = tuple(dict.fromkeys(lvlms["table"]))
    source = "added" if tables_used == ("",) else setting.source
    asked = dataclasses.replace(setting, source=source, clips=lvlms, tables=tables_used)
    errors = drop_errors(lvlms, setting.averaging, tables)
    drops = (lvlms["common"] - lvlms["counter"]).to_numpy()
    effects = [Effect(float(drop), float(error)) for drop, error in zip(drops, errors, strict=True)]
    every = _EVERY.p_values_of_all(effects)
    models = model_figures(
        lvlms, drop=drops.tolist(), stderr=errors.tolist(), interval=[effect.interval for effect in effects]
    )
    note = (
        f"{len(lvlms)} language models are published, which share their photos and differ in tower, data and language "
        "model: they show that these lose accuracy, and nothing of what kind of model loses how much"
    )
    naive = Effect(float(np.mean(drops)), float(np.mean(errors)))
    yield record_test("C6", "drop", asked, _EVERY, naive, None, models, [note], p_values=every)

    clips_common, clips_counter = group_proportions(setting.clips, tables.classes)
    common, counter = group_proportions(lvlms, tables.classes)
    ones = [
        robustness_of_one(clips_common, clips_counter, *pair)
        for pair in zip(common.tolist(), counter.tolist(), strict=True)
    ]
    beside = model_figures(
        lvlms, effective_robustness=[one.value for one in ones], interval=[one.interval for one in ones]
    )
    # Each interval is for one more CLIP; their mean is the interval of the mean if errors are perfectly correlated.
    half_width = float(np.mean([(one.interval[1] - one.interval[0]) / 2 for one in ones]))
    mean = Effect(float(np.mean([one.value for one in ones])), half_width / Z95)
    undecidable = _OUTSIDE if any(one.extrapolated for one in ones) else ""
    yield record_test(
        "C6", "against CLIPs of the same accuracy", asked, _LOSES_MORE, mean, None, beside, [], undecidable
    )
