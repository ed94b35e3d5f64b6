"""C1, every CLIP loses accuracy from the common to the counter photos: on average, and in every class.

On average. For each CLIP we take the drop and its error from the number of photos. That error is a bound (see
`realdata.statistics.photo_error`); the two groups are different photos, so their errors add in squares. The claim is
about every CLIP, so its naive p-value is the largest of the models' (an intersection-union test). The opposite, that
some CLIP gains, takes the smallest p-value after Bonferroni's correction. The effect is the mean drop. Its naive error
assumes that the models' errors are perfectly correlated, since they saw the same photos. Clustered errors are for the
mean drop over CLIPs like these.

Class by class. The drop of a class is the mean over the CLIPs with published class-wise accuracies. Its error from the
number of photos assumes that the models' errors are perfectly correlated. "In every class" is an intersection-union
test over the classes. The effect is the mean drop over classes; its error treats the classes as a sample of similar
classes.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from published.tables import PublishedTables
from realdata.claims.claim_test import ClaimTest, model_figures, record_test
from realdata.claims.hypothesis import Effect, clusters_of, positive, regression
from realdata.claims.settings import Setting, is_selector, without_family
from realdata.statistics.photo_error import class_proportions, proportions, standard_errors
from workbench.conventions import GROUPS

_EVERY_CLIP = positive("at least one CLIP loses nothing", "points")
_EVERY_CLASS = positive("CLIPs lose nothing in at least one class", "points")


def ask_drop(setting: Setting, tables: PublishedTables) -> ClaimTest:
    """Ask whether every CLIP of a setting loses accuracy."""
    errors = drop_errors(setting.clips, setting.averaging, tables)
    drops = (setting.clips["common"] - setting.clips["counter"]).to_numpy()
    effects = [Effect(float(drop), float(error)) for drop, error in zip(drops, errors, strict=True)]
    models = model_figures(
        setting.clips,
        drop=[effect.effect for effect in effects],
        stderr=[effect.stderr for effect in effects],
        interval=[effect.interval for effect in effects],
    )
    notes = [
        f"{' '.join(filter(None, (model['backbone'], model['pretrain'], model['checkpoint'])))}: its drop of "
        f"{model['drop']:.2f} points, at {model['common']:.2f}% common accuracy, is not shown to be above 0"
        for model in models
        if model["interval"][0] <= 0
    ]
    naive = Effect(float(np.mean(drops)), float(np.mean(errors)))
    clustered = None
    if len(drops) > 1:
        clustered = regression(drops, np.ones((len(drops), 1)), clusters_of(setting.clips), _EVERY_CLIP)[1]
    every = _EVERY_CLIP.p_values_of_all(effects)
    return record_test("C1", "drop", setting, _EVERY_CLIP, naive, clustered, models, notes, p_values=every)


def drop_errors(models: pd.DataFrame, averaging: str, tables: PublishedTables) -> np.ndarray:
    """Standard errors of drops in points from the number of photos, shape (models,).

    Args:
        models: a row for each model, with `common` and `counter` in %, and `common_stderr` and `counter_stderr` if its
            classes are known.
        averaging: `balanced` or `unbalanced`.
        tables: the tables with the published photo counts.
    """
    parts = []
    for group in GROUPS:
        photos = tables.classes[f"{group}_photos"].to_numpy()
        shares = proportions(models[group].to_numpy(), photos)
        bounds = 100 * standard_errors(shares, photos, averaging)
        parts.append(models[f"{group}_stderr"].to_numpy() if f"{group}_stderr" in models else bounds)
    return np.hypot(*parts)


def ask_classes(classwise: dict[str, pd.DataFrame], tables: PublishedTables, values: str) -> Iterator[ClaimTest]:
    """Ask whether CLIPs lose accuracy in every class: by source, with and without the selecting model and its family.

    Args:
        classwise: accuracies of single classes by source, from `published.tables.read_classwise`.
        tables: the tables with the photo counts.
        values: `as printed` or `corrected`.
    """
    for source, table in classwise.items():
        names = ("15", "16") if source == "paper" else ()
        whole = table.assign(checkpoint="").dropna(subset=list(GROUPS))
        included = Setting(
            source, names, "1v1000", "simple", "class by class", "included", whole, whole.iloc[:0], values
        )
        yield _ask_classes_in(included, tables)
        selecting = is_selector(whole)
        if selecting.any():
            excluded = dataclasses.replace(included, selector="excluded", clips=whole[~selecting])
            yield _ask_classes_in(excluded, tables)
            alone = without_family(excluded)
            if len(alone.clips):
                yield _ask_classes_in(alone, tables)


def _ask_classes_in(setting: Setting, tables: PublishedTables) -> ClaimTest:
    rows = setting.clips.merge(tables.classes, on="imagenet_index", suffixes=("", "_class"))
    for group in GROUPS:
        photos = rows[f"{group}_photos"].to_numpy()
        shares = class_proportions(rows[group].to_numpy() / 100, photos)
        rows[f"{group}_stderr"] = 100 * np.sqrt(shares * (1 - shares) / photos)
    columns = [*GROUPS, *(f"{group}_stderr" for group in GROUPS)]
    classes = rows.groupby(["imagenet_index", "label"], as_index=False)[columns].mean()
    drops = (classes["common"] - classes["counter"]).to_numpy()
    errors = np.hypot(classes["common_stderr"], classes["counter_stderr"])
    effects = [Effect(*pair) for pair in zip(drops.tolist(), errors.tolist(), strict=True)]
    every = _EVERY_CLASS.p_values_of_all(effects)
    naive = Effect(float(drops.mean()), float(drops.std(ddof=1) / len(drops) ** 0.5), len(drops) - 1.0)
    listed: list[dict[str, Any]] = [
        {str(key): value for key, value in each.items()}
        | {"drop": effect.effect, "stderr": effect.stderr, "interval": effect.interval}
        for each, effect in zip(classes[["imagenet_index", "label", *GROUPS]].to_dict("records"), effects, strict=True)
    ]
    notes = [f"{setting.clips.groupby(['backbone', 'pretrain']).ngroups} CLIPs in {len(listed)} classes"]
    unshown = [f"{each['label'].split(',')[0]} ({each['drop']:+.1f})" for each in listed if each["interval"][0] <= 0]
    if unshown:
        notes.append(f"classes whose drop is not shown to be above 0, each on its own: {', '.join(unshown)}")
    return record_test("C1", "drop, class by class", setting, _EVERY_CLASS, naive, None, listed, notes, p_values=every)
