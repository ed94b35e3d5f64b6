"""C2, at the same common accuracy, models trained on ImageNet lose less than CLIPs.

The effect is the mean effective robustness of the CLIPs, in points, and the test is the joint one of
`realdata.statistics.effective_robustness`. For clustered errors, CLIPs are clustered by pre-training data or
architecture. The ImageNet models of the line share their data, and are clustered by architecture.

The published numbers cannot answer the question class by class: those of single classes are for CLIPs only.
"""

import numpy as np
import pandas as pd

from published.tables import PublishedTables
from realdata.claims.claim_test import SINGLE_CLUSTER, ClaimTest, model_figures, record_test
from realdata.claims.hypothesis import ClusteredEffect, Effect, Hypothesis, Line, clusters_of, negative, widest
from realdata.claims.settings import Setting
from realdata.statistics.effective_robustness import (
    EffectiveRobustness,
    clustered_mean,
    effective_robustness,
    line_error,
    robustness_of_one,
)
from realdata.statistics.photo_error import proportions
from workbench.conventions import GROUPS, Z95
from workbench.errors import InputError

NOT_BY_CLASS = {
    "claim": "C2",
    "question": "effective robustness, class by class",
    "reason": "accuracies of single classes are published for CLIPs only (Tables 15 and 16, and the replication), so "
    "that no class has a line through ImageNet models",
}
LOSES_MORE = negative("CLIPs lose no more than ImageNet models of the same common accuracy", "points")


def ask_robustness(setting: Setting, tables: PublishedTables) -> ClaimTest:
    """Ask whether a setting's CLIPs lose more than ImageNet models of their common accuracy.

    Raises:
        InputError: too few models, or no line through them.
    """
    if len(setting.clips) == 1:
        return _ask_one(setting, tables)
    result = setting_robustness(setting, tables)
    models = model_figures(
        setting.clips,
        effective_robustness=result.values.tolist(),
        interval=[(float(low), float(high)) for low, high in result.intervals],
    )
    notes = []
    if result.extrapolated:
        notes.append(
            f"{result.extrapolated} of {len(models)} CLIPs lie outside the ImageNet models' range of common accuracy, "
            "where the line is extrapolated"
        )
    naive = Effect(result.mean, result.stderr, result.freedom)
    clustered = _cluster(setting, tables, LOSES_MORE)
    undecidable = "" if clustered else SINGLE_CLUSTER
    return record_test(
        "C2",
        "effective robustness",
        setting,
        LOSES_MORE,
        naive,
        clustered,
        models,
        notes,
        undecidable,
        with_imagenet=True,
    )


def _ask_one(setting: Setting, tables: PublishedTables) -> ClaimTest:
    """Ask for a single CLIP whether an ImageNet model could be as far from the line."""
    baseline_common, baseline_counter, common, counter = setting_shares(setting, tables)
    one = robustness_of_one(baseline_common, baseline_counter, float(common[0]), float(counter[0]))
    half_width = (one.interval[1] - one.interval[0]) / 2
    models = model_figures(setting.clips, effective_robustness=[one.value], interval=[one.interval])
    notes = ["its interval is of one more ImageNet model: where it leaves out 0, the CLIP is not like those"]
    notes += ["it lies outside the ImageNet models' range, where the line is extrapolated"] if one.extrapolated else []
    return record_test(
        "C2",
        "effective robustness",
        setting,
        LOSES_MORE,
        Effect(one.value, half_width / Z95),
        None,
        models,
        notes,
        p_values=(one.p_value, 1.0) if one.value < 0 else (1.0, one.p_value),
        with_imagenet=True,
    )


def setting_robustness(setting: Setting, tables: PublishedTables) -> EffectiveRobustness:
    """Effective robustness of a setting's CLIPs against the line through its ImageNet models.

    Raises:
        InputError: too few models, or no line through them.
    """
    shares = setting_shares(setting, tables)
    try:
        return effective_robustness(*shares)
    except ValueError as error:
        raise InputError(f"{setting.file}: {setting.setup}, {setting.averaging}: {error}") from error


def _cluster(setting: Setting, tables: PublishedTables, hypothesis: Hypothesis) -> ClusteredEffect | None:
    clusters = clusters_of(setting.clips)
    baseline = clusters_of(setting.imagenet)["architecture"]
    shares = setting_shares(setting, tables)
    effects = {
        name: Effect(*clustered_mean(*shares, baseline, labels))
        for name, labels in clusters.items()
        if labels.max() > 0
    }
    return widest(effects, clusters, hypothesis) if len(effects) == len(clusters) else None


def setting_line(setting: Setting, tables: PublishedTables, models: pd.DataFrame) -> Line:
    """The error that the line through a setting's ImageNet models gives to a weighted sum of models' distances from it.

    Args:
        setting: whose ImageNet models make the line.
        tables: for the photo counts.
        models: those that are summed.
    """
    common, counter, *_ = setting_shares(setting, tables)
    places = proportions(models["common"].to_numpy(), tables.classes["common_photos"].to_numpy())
    clusters = clusters_of(setting.imagenet)["architecture"]
    return lambda weights, clustered: line_error(common, counter, places, weights, clusters if clustered else None)


def setting_shares(setting: Setting, tables: PublishedTables) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Accuracies in (0, 1): of the ImageNet models, common and counter, and of the CLIPs."""
    photos = {group: tables.classes[f"{group}_photos"].to_numpy() for group in GROUPS}
    imagenet, clips = (
        [proportions(frame[group].to_numpy(), photos[group]) for group in photos]
        for frame in (setting.imagenet, setting.clips)
    )
    return (imagenet[0], imagenet[1], clips[0], clips[1])
