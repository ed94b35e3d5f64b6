"""Effects on models in few clusters, with every source of their error, and what several methods say of them.

An effect is asked by each way to cluster the models, by pre-training data and by architecture. CR2 with Satterthwaite's
degrees of freedom decides (`realdata.statistics.few_clusters`), by the way that says less. The errors are those of
`realdata.statistics.both_errors`: the spread of the models, the line's own error where there is a line, and the photos
that all models saw.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from published.tables import PublishedTables
from realdata.claims.c2_robustness import LOSES_MORE
from realdata.claims.claim_test import SINGLE_CLUSTER
from realdata.claims.differences import DIFFERENCES, compare
from realdata.claims.hypothesis import Effect, Hypothesis, clusters_of, is_estimable_without_any
from realdata.claims.settings import Setting
from realdata.statistics.both_errors import BothErrors, Measured, drop_effect, robustness_effect
from realdata.statistics.few_clusters import (
    Part,
    classic_variance,
    flip_signs,
    permute,
    sum_variances,
    variance,
    wild_bootstrap,
)
from realdata.statistics.photo_error import proportions, standard_errors
from workbench.conventions import GROUPS

_Variance = Callable[[Part], tuple[float, float]]


@dataclasses.dataclass(frozen=True)
class Asked:
    """An effect by several ways to cluster, and what it is put to.

    Attributes:
        claim: that speaks of it.
        question: what is asked.
        setting: where.
        hypothesis: about the effect.
        models: a row for each.
        clusters: ways to cluster them, each with a cluster's number for each model.
        by_way: the effect with its parts, by way.
        exchangeable: the column of `models` whose values may be exchanged where there is no effect, with the word for
            several; `+-` where each value may change its sign with its cluster; None where nothing may be exchanged.
    """

    claim: str
    question: str
    setting: dict[str, str]
    hypothesis: Hypothesis
    models: pd.DataFrame
    clusters: dict[str, np.ndarray]
    by_way: dict[str, BothErrors]
    exchangeable: tuple[str, str] | None = None

    @property
    def undecidable(self) -> str:
        """Why there can be no answer, whatever the p-value; empty where there can be one."""
        parts = {way: errors.parts[0] for way, errors in self.by_way.items()}
        estimable = all(is_estimable_without_any(part.design, self.clusters[way]) for way, part in parts.items())
        return "" if estimable else SINGLE_CLUSTER


@dataclasses.dataclass(frozen=True)
class Check:
    """The same effect by another method.

    Attributes:
        method: its name.
        stderr: of the effect; None where the method gives a p-value alone.
        freedom: degrees of freedom, likewise.
        interval: 95%, likewise.
        p_value: of the claim's null hypothesis; of a permutation, that there is no effect at all.
        smallest: the smallest p-value that a permutation could have given; else None.
    """

    method: str
    stderr: float | None
    freedom: float | None
    interval: tuple[float, float] | None
    p_value: float
    smallest: float | None = None


def measure(models: pd.DataFrame, averaging: str, tables: PublishedTables) -> Measured:
    """Models' accuracies as shares, with bounds of their errors from the number of photos."""
    shares, errors = [], []
    for group in GROUPS:
        photos = tables.classes[f"{group}_photos"].to_numpy()
        shares.append(proportions(models[group].to_numpy(), photos))
        errors.append(standard_errors(shares[-1], photos, averaging))
    return Measured(*shares, *errors)


def ask_averages(setting: Setting, tables: PublishedTables) -> list[Asked]:
    """Ask C2 to C5 of one setting: of drops, and of effective robustness.

    Args:
        setting: with ImageNet models.
        tables: for the photo counts.
    """
    baseline = measure(setting.imagenet, setting.averaging, tables)
    own = clusters_of(setting.imagenet)["architecture"]

    def ask(claim: str, question: str, hypothesis: Hypothesis, models: pd.DataFrame, design: np.ndarray) -> Asked:
        shares, clusters = measure(models, setting.averaging, tables), clusters_of(models)
        is_drop = question.endswith("drop")
        by_way = {
            way: drop_effect(shares, design, labels)
            if is_drop
            else robustness_effect(baseline, shares, design, labels, own)
            for way, labels in clusters.items()
        }
        where = setting.describe() | {"values": setting.values}
        # Distances from one line share its error, so that models' are not exchangeable.
        exchangeable = _EXCHANGEABLE.get(claim) if is_drop else None
        return Asked(claim, question, where, hypothesis, models, clusters, by_way, exchangeable)

    clips = setting.clips
    found = [ask("C2", "effective robustness", LOSES_MORE, clips, np.ones((len(clips), 1)))]
    for difference in DIFFERENCES:
        compared, design = compare(difference, setting)
        if len(compared) > design.shape[1]:
            for name, hypothesis in (("drop", difference.drop), ("effective robustness", difference.robustness)):
                found.append(ask(difference.claim, f"{difference.question}: {name}", hypothesis, compared, design))
    return found


_EXCHANGEABLE = {"C3": ("backbone", "backbones"), "C4": ("pretrain", "data sets"), "C5": ("pretrain", "data sets")}


def sum_effect(errors: BothErrors, estimate: _Variance = variance) -> Effect:
    """An effect with the errors of all its parts, and of the photos that all models share.

    Args:
        errors: the effect and its parts.
        estimate: a part's variance and degrees of freedom; CR2 unless given.
    """
    stderr, freedom = sum_variances([*map(estimate, errors.parts), (errors.shared, np.inf)])
    return Effect(errors.effect, stderr, freedom)


def decide(asked: Asked) -> tuple[str, Effect]:
    """The way to cluster that says less, by CR2, and the effect with its error."""
    effects = {way: sum_effect(errors) for way, errors in asked.by_way.items()}
    way = max(effects, key=lambda name: (asked.hypothesis.p_values(effects[name])[0], effects[name].stderr))
    return way, effects[way]


def check(asked: Asked) -> list[Check]:
    """What CR2 and today's small-sample factor say by each way, two-way clusters, bootstraps and permutations."""
    found = []
    for way, errors in asked.by_way.items():
        for name, estimate in (("CR2", variance), ("CR1", classic_variance)):
            found.append(_check(f"{name}, by {way}", sum_effect(errors, estimate), asked.hypothesis))
    if len(asked.clusters) == 2:
        errors = next(iter(asked.by_way.values()))
        second = list(asked.clusters.values())[1]
        own, *lines = errors.parts
        parts = [classic_variance(own, second), *map(classic_variance, lines), (errors.shared, np.inf)]
        found.append(_check("CR1, two-way", Effect(errors.effect, *sum_variances(parts)), asked.hypothesis))
    for way, errors in asked.by_way.items():
        p_value = _bootstrap(errors, asked.hypothesis)
        found.append(Check(f"wild cluster bootstrap, by {way}", None, None, None, p_value))
    own = errors.parts[0]
    if asked.exchangeable is not None:
        column, words = asked.exchangeable
        if column == "+-":
            permuted = flip_signs(own.values, own.labels)
        else:
            permuted = permute(own.values, own.design, pd.factorize(asked.models[column])[0].astype(np.int64))
        found.append(Check(f"permutation of {words}", None, None, None, permuted.p_value, permuted.smallest))
    return found


def _check(method: str, effect: Effect, hypothesis: Hypothesis) -> Check:
    return Check(method, effect.stderr, effect.freedom, effect.interval, hypothesis.p_values(effect)[0])


def _bootstrap(errors: BothErrors, hypothesis: Hypothesis) -> float:
    """The largest p-value over the bounds of the claim; 1 where the effect lies on the wrong side of one."""
    return max(
        wild_bootstrap(errors.parts, errors.effect, bound) if direction * (errors.effect - bound) > 0 else 1.0
        for bound, direction in hypothesis.claimed
    )


def of_question(asked: Sequence[Asked], question: str) -> Asked | None:
    """The effect of a question, if it was asked."""
    return next((each for each in asked if each.question == question), None)
