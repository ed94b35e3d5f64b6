"""All claims in all settings, judged together."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from published.tables import (
    DIRECTORY,
    PublishedTables,
    read_classwise,
    read_colored_coco,
    read_multicolored_mnist,
    read_published_tables,
)
from realdata.audit.audit import audit_tables
from realdata.claims.added import added_settings
from realdata.claims.added_models import AddedModel
from realdata.claims.c1_classes import test_classes
from realdata.claims.c1_drop import test_drop
from realdata.claims.c2_robustness import test_robustness
from realdata.claims.c6_lvlm import test_lvlms
from realdata.claims.c8_training import test_training
from realdata.claims.claim_test import ClaimTest
from realdata.claims.corrected import corrected_classwise, corrected_tables
from realdata.claims.differences import DIFFERENCES, test_difference
from realdata.claims.judge import judge
from realdata.claims.settings import Setting, is_repeated, settings, without_family
from workbench.errors import InputError

PRINTED, CORRECTED = "as printed", "corrected"


def evaluate_claims(directory: Path = DIRECTORY) -> list[ClaimTest]:
    """Every question about the published tables in every setting that they offer.

    The audit's corrections make a setting of their own where they change one of its accuracies.

    Args:
        directory: of the tables.

    Raises:
        InputError: a table cannot be read, or holds too few models for a test.
    """
    printed = read_published_tables(directory)
    corrections = audit_tables(directory).corrections
    corrected = corrected_tables(printed, corrections)
    rows = rows_of_tables(printed, PRINTED)
    seen = {_figures(row) for row in rows}
    rows += [row for row in rows_of_tables(corrected, CORRECTED) if _figures(row) not in seen]
    classwise = read_classwise(directory)
    by_class = list(test_classes(classwise, printed, PRINTED))
    seen = {_figures(row) for row in by_class}
    again = test_classes(corrected_classwise(directory, corrections), corrected, CORRECTED)
    rows += by_class + [row for row in again if _figures(row) not in seen]
    rows += test_training(read_multicolored_mnist(directory), read_colored_coco(directory))
    return sorted(judge(rows), key=lambda row: row.claim)


def evaluate_added(models: Sequence[AddedModel], directory: Path = DIRECTORY) -> list[ClaimTest]:
    """The same questions about models that were evaluated here, each alone where it can be, judged among themselves.

    Args:
        models: from `realdata.claims.added_models`.
        directory: of the published tables, whose ImageNet models and CLIPs they are compared with.
    """
    tables = read_published_tables(directory)
    rows: list[ClaimTest] = []
    for setting in added_settings(models, tables, "clip"):
        for number in range(len(setting.clips)):
            alone = dataclasses.replace(setting, clips=setting.clips.iloc[[number]])
            rows.append(test_drop(alone, tables))
            if len(alone.imagenet):
                rows.append(test_robustness(alone, tables))
        for difference in DIFFERENCES:
            rows += test_difference(difference, setting, tables)
    offered = list(settings(tables))
    for setting in added_settings(models, tables, "lvlm"):
        rows += _of_lvlms(setting.clips, tables, offered)
    return sorted(judge(rows), key=lambda row: row.claim)


def rows_of_tables(tables: PublishedTables, values: str = PRINTED) -> list[ClaimTest]:
    """The questions about averages, C1 to C6, not yet judged.

    Args:
        tables: the averages and photo counts.
        values: whether they are `as printed` or `corrected`.
    """
    offered = list(settings(tables, values))
    if not offered:
        raise InputError("results.csv: holds no row of family 'clip', so there is no claim to test")
    rows: list[ClaimTest] = []
    for setting in offered:
        repeated = is_repeated(setting, offered)
        rows += _of_setting(setting, tables, repeated)
        if setting.selector == "excluded":
            alone = without_family(setting)
            rows += _of_setting(alone, tables, repeated) if len(alone.clips) > 1 else []
    lvlms = tables.results[tables.results["family"] == "lvlm"]
    for _, group in lvlms.groupby(["setup", "prompt", "averaging"], sort=False):
        rows += _of_lvlms(group, tables, offered)
    return rows


def _of_setting(setting: Setting, tables: PublishedTables, repeated: bool) -> Iterator[ClaimTest]:
    yield test_drop(setting, tables)
    # Several checkpoints of one model (Table 9) are no new setting for claims that compare models.
    if repeated:
        return
    if len(setting.imagenet):
        yield test_robustness(setting, tables)
    for difference in DIFFERENCES:
        yield from test_difference(difference, setting, tables)


def _of_lvlms(lvlms: pd.DataFrame, tables: PublishedTables, offered: Sequence[Setting]) -> Iterator[ClaimTest]:
    """Language models of one setting against the paper's CLIPs in it."""
    first = lvlms.iloc[0]
    for setting in offered:
        asked = (setting.source, setting.setup, setting.prompt, setting.averaging, setting.selector)
        if asked == ("paper", first["setup"], first["prompt"], first["averaging"], "included"):
            yield from test_lvlms(setting, lvlms, tables)
            return


def _figures(row: ClaimTest) -> tuple[object, ...]:
    """What makes a row the same as another, but for where its values are from: photo counts move errors only."""
    setting = tuple(value for key, value in row.setting.items() if key != "values")
    return (row.claim, row.question, row.source, setting, row.effect, len(row.models))
