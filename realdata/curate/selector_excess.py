"""How much of the selecting model's own drop is due to its selection, from the published tables.

One CLIP's accuracies selected the photos (`realdata.claims.settings.SELECTOR`), so its own drop on them is larger than
that of a similar model that did not select. The drop of such a model is estimated in two ways:

- setting by setting: a line through the other CLIPs on logit-scaled axes
  (`realdata.statistics.effective_robustness`) predicts the drop at the selecting model's common accuracy. The excess
  over the prediction has a 95% prediction interval, and a p-value of the test that one more CLIP of this common
  accuracy would lose as much.
- class by class, where accuracies of classes are published: its drop minus the mean drop of all other CLIPs, of those
  with its backbone and other data, and of those with its data and another backbone. The mean over classes has a
  bootstrap interval over the classes and a t-test. Larger backbones lose less anyway, so CLIPs with the same backbone
  are the fairer comparison, although better data loses less too.

Verdicts, at 5% after Holm's correction over the settings, and over the comparisons: `excess shown`, `no excess shown`
or `smaller than expected`. CLIPs trained on the same data fail on the same photos, so a selection by one changes the
drops of the others too. The excess is therefore a lower bound of what the selection added to the drop of CLIPs. The
test treats the models as independent draws around the line, which they are not.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import ttest_1samp

from published.tables import PublishedTables, read_classwise, read_published_tables
from realdata.claims.settings import SELECTOR, Setting, is_repeated, is_selector, settings
from realdata.curate.config import THRESHOLD
from realdata.statistics.bootstrap import DRAWS
from realdata.statistics.effective_robustness import robustness_of_one
from realdata.statistics.holm import holm
from realdata.statistics.photo_error import proportions
from workbench import results
from workbench.conventions import GROUPS, LEVEL, PERCENTILES_95
from workbench.errors import InputError

_SELECTOR = (SELECTOR["backbone"], SELECTOR["pretrain"])


def evaluate_selector(directory: Path, seed: int = 0) -> dict[str, Any]:
    """Estimate the excess in both ways, with verdicts; accuracies in %, differences in points.

    Args:
        directory: the folder of the tables.
        seed: seed of the bootstrap.

    Raises:
        InputError: a table cannot be read, or none has the selecting model.
    """
    tables = read_published_tables(directory)
    included = [setting for setting in settings(tables) if setting.selector == "included"]
    found = [
        row
        for setting in included
        if is_selector(setting.clips).any() and not is_repeated(setting, included)
        for row in _excesses(setting, tables, directory)
    ]
    if not found:
        raise InputError(f"{directory / 'results.csv'}: holds no row of {' '.join(SELECTOR.values())}, the selector")
    generator = np.random.default_rng(seed)
    by_class = {source: _by_class(table) for source, table in read_classwise(directory).items()}
    with_selector = {source: values for source, values in by_class.items() if _SELECTOR in values["drop"]}
    compared = [row for source, values in with_selector.items() for row in _comparisons(source, values, generator)]
    return {
        "selector": SELECTOR,
        "settings": _judge(found),
        "classwise": _judge(compared),
        "notes": [note for source, values in with_selector.items() for note in _notes(source, values["drop"])],
        "seed": seed,
        "versions": results.versions("numpy", "scipy", "pandas", "statsmodels"),
    }


def _excesses(setting: Setting, tables: PublishedTables, directory: Path) -> Iterator[dict[str, Any]]:
    """Compare each checkpoint of the selecting model with the line through the other CLIPs."""
    selecting = is_selector(setting.clips)
    shares = {
        group: proportions(setting.clips[group].to_numpy(), tables.classes[f"{group}_photos"].to_numpy())
        for group in GROUPS
    }
    for common, counter in zip(*(shares[group][selecting] for group in GROUPS), strict=True):
        try:
            one = robustness_of_one(
                shares["common"][~selecting], shares["counter"][~selecting], float(common), float(counter)
            )
        except ValueError as error:
            file = "results.csv" if setting.source == "paper" else "replication_results.csv"
            raise InputError(f"{directory / file}: {setting.setup}, {setting.averaging}: {error}") from error
        drop = 100 * float(common - counter)
        yield {
            "source": setting.source,
            "tables": list(setting.tables[:1]),
            "setting": {key: value for key, value in setting.describe().items() if key != "selector"},
            "others": int((~selecting).sum()),
            "common": 100 * float(common),
            "counter": 100 * float(counter),
            "drop": drop,
            "expected_drop": drop + one.value,
            "excess": -one.value,
            "interval": [-one.interval[1], -one.interval[0]],
            "p_value": one.p_value,
            "extrapolated": one.extrapolated,
        }


def _by_class(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Arrange `common`, `counter` and `drop` with a row for each class and a column for each CLIP."""
    return {
        column: table.assign(drop=table.common - table.counter).pivot(
            index=["imagenet_index", "label"], columns=["backbone", "pretrain"], values=column
        )
        for column in (*GROUPS, "drop")
    }


def _notes(source: str, drops: pd.DataFrame) -> Iterator[str]:
    """Notes on CLIPs that are left out, and on drops of the selecting model that contradict its selection."""
    whole = drops.notna().all()
    incomplete = [f"{backbone} {pretrain}" for backbone, pretrain in whole.index[~whole]]
    if incomplete:
        yield f"{source}: left out class by class, since not all classes are published: {', '.join(incomplete)}"
    own = drops[_SELECTOR]
    if below := int((own <= THRESHOLD).sum()):
        yield (
            f"{source}: in {below} of {len(own)} classes the selecting model's own drop is not above {THRESHOLD:g} "
            "points, as it must be where it selected: this is not quite the model, or the measurement, that did"
        )


def _comparisons(
    source: str, values: dict[str, pd.DataFrame], generator: np.random.Generator
) -> Iterator[dict[str, Any]]:
    """Compare the selecting model with groups of others, class by class."""
    # Only models with all classes: otherwise differences between classes would also be differences between models.
    whole = values["drop"].notna().all()
    models = [model for model in whole.index[whole] if model != _SELECTOR]
    for name, group in {
        "all others": models,
        "same backbone, other data": [model for model in models if model[0] == _SELECTOR[0]],
        "same data, other backbone": [model for model in models if model[1] == _SELECTOR[1]],
    }.items():
        if not group:
            continue
        differences = {
            column: values[column][_SELECTOR] - values[column][group].mean(axis=1) for column in (*GROUPS, "drop")
        }
        excess = differences["drop"]
        means = generator.choice(excess.to_numpy(), (DRAWS, len(excess))).mean(axis=1)
        ranking = excess.rename("excess").sort_values(ascending=False).reset_index()
        yield {
            "source": source,
            "against": name,
            "models": [f"{backbone} {pretrain}" for backbone, pretrain in group],
            "common_difference": float(differences["common"].mean()),
            "counter_difference": float(differences["counter"].mean()),
            "excess": float(excess.mean()),
            "interval": np.percentile(means, PERCENTILES_95).tolist(),
            "p_value": float(ttest_1samp(excess, 0.0).pvalue),
            "classes_above_0": int((excess > 0).sum()),
            "classes": ranking.astype({"imagenet_index": int}).to_dict("records"),
        }


def _judge(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add the corrected p-value and the verdict to each row."""
    corrected = holm([row["p_value"] for row in rows])
    return [row | {"p_holm": p, "verdict": _verdict(row["excess"], p)} for row, p in zip(rows, corrected, strict=True)]


def _verdict(excess: float, p_value: float) -> str:
    if p_value >= LEVEL:
        return "no excess shown"
    return "excess shown" if excess > 0 else "smaller than expected"
