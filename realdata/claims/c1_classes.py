"""C1 class by class: whether CLIPs lose accuracy in every class.

The drop of a class is the mean over the CLIPs whose class-wise accuracies are published; its error from the number of
photos takes the models' errors as perfectly correlated. "In every class" is an intersection-union test over the
classes, as C1 is over models. The effect is the mean drop over classes, with the error of classes drawn from others
like them.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from published.tables import PublishedTables
from realdata.claims.claim_test import ClaimTest
from realdata.claims.hypothesis import Estimate, positive
from realdata.claims.rows import row
from realdata.claims.settings import Setting, is_selector, without_family

_EVERY_CLASS = positive("CLIPs lose nothing in at least one class", "points")


def test_classes(classwise: dict[str, pd.DataFrame], tables: PublishedTables, values: str) -> Iterator[ClaimTest]:
    """The claim for each source, with and without the selecting model and its family.

    Args:
        classwise: accuracies of single classes by source, as `published.tables.read_classwise` gives them.
        tables: for the photo counts.
        values: whether these are `as printed` or `corrected`.
    """
    for source, table in classwise.items():
        names = ("15", "16") if source == "paper" else ()
        whole = table.assign(checkpoint="").dropna(subset=["common", "counter"])
        included = Setting(
            source, names, "1v1000", "simple", "class by class", "included", whole, whole.iloc[:0], values
        )
        yield _test(included, tables)
        selecting = is_selector(whole)
        if selecting.any():
            excluded = dataclasses.replace(included, selector="excluded", clips=whole[~selecting])
            yield _test(excluded, tables)
            alone = without_family(excluded)
            if len(alone.clips):
                yield _test(alone, tables)


def _test(setting: Setting, tables: PublishedTables) -> ClaimTest:
    rows = setting.clips.merge(tables.classes, on="imagenet_index", suffixes=("", "_class"))
    for group in ("common", "counter"):
        photos = rows[f"{group}_photos"].to_numpy()
        # 0 and 100% are taken as half a photo away, as everywhere here.
        shares = np.clip(rows[group].to_numpy() / 100, 0.5 / photos, 1 - 0.5 / photos)
        rows[f"{group}_stderr"] = 100 * np.sqrt(shares * (1 - shares) / photos)
    columns = ["common", "counter", "common_stderr", "counter_stderr"]
    classes = rows.groupby(["imagenet_index", "label"], as_index=False)[columns].mean()
    drops = (classes["common"] - classes["counter"]).to_numpy()
    errors = np.hypot(classes["common_stderr"], classes["counter_stderr"])
    estimates = [Estimate(*pair) for pair in zip(drops.tolist(), errors.tolist(), strict=True)]
    every = _EVERY_CLASS.p_values_of_all(estimates)
    naive = Estimate(float(drops.mean()), float(drops.std(ddof=1) / len(drops) ** 0.5), len(drops) - 1.0)
    listed: list[dict[str, Any]] = [
        {str(key): value for key, value in each.items()}
        | {"drop": estimate.effect, "stderr": estimate.stderr, "interval": estimate.interval}
        for each, estimate in zip(
            classes[["imagenet_index", "label", "common", "counter"]].to_dict("records"), estimates, strict=True
        )
    ]
    notes = [f"{setting.clips.groupby(['backbone', 'pretrain']).ngroups} CLIPs in {len(listed)} classes"]
    unshown = [f"{each['label'].split(',')[0]} ({each['drop']:+.1f})" for each in listed if each["interval"][0] <= 0]
    if unshown:
        notes.append(f"classes whose drop is not shown to be above 0, each on its own: {', '.join(unshown)}")
    return row("C1", "drop, class by class", setting, _EVERY_CLASS, naive, None, listed, notes, p_values=every)
