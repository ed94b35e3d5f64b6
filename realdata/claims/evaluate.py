"""All claims in all settings, judged together."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from published.directory import DIRECTORY
from published.tables import (
    PublishedTables,
    read_classwise,
    read_colored_coco,
    read_multicolored_mnist,
    read_published_tables,
)
from realdata.audit.audit import audit_tables
from realdata.audit.finding import Correction
from realdata.claims.added_models import AddedModel, added_settings, not_asked
from realdata.claims.asked_effects import Asked
from realdata.claims.both_sources import BothSources, compare_sources
from realdata.claims.c1_drop import ask_classes, ask_drop
from realdata.claims.c2_robustness import NOT_BY_CLASS, ask_robustness
from realdata.claims.c6_lvlm import ask_lvlms
from realdata.claims.c8_training import ask_training
from realdata.claims.c9_shifts import read_shifts
from realdata.claims.claim_test import CLAIMS, ClaimTest, JudgedClaim, judge
from realdata.claims.differences import DIFFERENCES, ask_difference
from realdata.claims.power import Detectable, can_be_asked, detectable, fit
from realdata.claims.primary import PrimaryTest, ask_primary, judge_primary, primary_setting
from realdata.claims.settings import Setting, is_repeated, settings, without_family
from realdata.claims.wider_table import Wider
from workbench import results
from workbench.errors import InputError

PRINTED, CORRECTED = "as printed", "corrected"


class ClaimFindings(NamedTuple):
    """The judged claims.

    Attributes:
        tests: of the published tables.
        added: of models that were evaluated here.
        missed: what could not be asked of those, with the `reason`.
        primary: the primary test of each claim, and what is asked beside it.
        detectable: the least effect of those questions that the data there are can show.
        both: both sources' CLIPs in one model; None where a table lacks.
    """

    tests: list[JudgedClaim]
    added: list[JudgedClaim]
    missed: list[dict[str, str]]
    primary: list[PrimaryTest]
    detectable: list[Detectable]
    both: BothSources | None


def evaluate(directory: Path = DIRECTORY, models: Sequence[AddedModel] = ()) -> ClaimFindings:
    """Ask every question about the published tables, and about models that were evaluated here.

    Args:
        directory: of the tables.
        models: from `realdata.claims.added_models`.

    Raises:
        InputError: a table cannot be read, or holds too few models for a test.
    """
    printed, corrected, corrections = _read(directory)
    tests = _evaluate_claims(directory, printed, corrected, corrections)
    asked = ask_primary(tests, primary_setting(printed, corrected), read_shifts(corrected))
    return ClaimFindings(
        tests=tests,
        added=evaluate_added(models, directory) if models else [],
        missed=not_asked(models, printed) if models else [],
        primary=judge_primary(asked, tests),
        detectable=[detectable(each, fit(each)) for each in asked if can_be_asked(each)],
        both=compare_sources(printed),
    )


def read_asked(directory: Path = DIRECTORY) -> list[Asked]:
    """The primary questions whose models come in clusters, with their data; as `evaluate` judges them.

    Args:
        directory: of the tables.

    Raises:
        InputError: a table cannot be read.
    """
    printed, corrected, _ = _read(directory)
    training = judge(list(ask_training(read_multicolored_mnist(directory), read_colored_coco(directory))))
    return ask_primary(training, primary_setting(printed, corrected), read_shifts(corrected))


def _read(directory: Path) -> tuple[PublishedTables, PublishedTables, Sequence[Correction]]:
    """The averages as printed, the same with the audit's corrections, and these."""
    printed = read_published_tables(directory)
    corrections = audit_tables(directory).corrections
    return printed, _correct_tables(printed, corrections), corrections


def evaluate_claims(directory: Path = DIRECTORY) -> list[JudgedClaim]:
    """Ask every question about the published tables in every setting that they hold.

    The audit's corrections make a setting of their own where they change one of its accuracies.

    Args:
        directory: of the tables.

    Raises:
        InputError: a table cannot be read, or holds too few models for a test.
    """
    return _evaluate_claims(directory, *_read(directory))


def _evaluate_claims(
    directory: Path, printed: PublishedTables, corrected: PublishedTables, corrections: Sequence[Correction]
) -> list[JudgedClaim]:
    rows = rows_of_tables(printed, PRINTED)
    seen = {_figures(row) for row in rows}
    rows += [row for row in rows_of_tables(corrected, CORRECTED) if _figures(row) not in seen]
    classwise = read_classwise(directory)
    by_class = list(ask_classes(classwise, printed, PRINTED))
    seen = {_figures(row) for row in by_class}
    again = ask_classes(_read_corrected_classwise(directory, corrections), corrected, CORRECTED)
    rows += by_class + [row for row in again if _figures(row) not in seen]
    rows += ask_training(read_multicolored_mnist(directory), read_colored_coco(directory))
    return sorted(judge(rows), key=lambda row: row.claim)


def evaluate_added(models: Sequence[AddedModel], directory: Path = DIRECTORY) -> list[JudgedClaim]:
    """Ask the same about models that were evaluated here, each alone where it can be, judged among themselves.

    Args:
        models: from `realdata.claims.added_models`.
        directory: of the published tables, whose ImageNet models and CLIPs they are compared with.
    """
    tables = read_published_tables(directory)
    rows: list[ClaimTest] = []
    for setting in added_settings(models, tables, "clip"):
        for number in range(len(setting.clips)):
            alone = dataclasses.replace(setting, clips=setting.clips.iloc[[number]])
            rows.append(ask_drop(alone, tables))
            if len(alone.imagenet):
                rows.append(ask_robustness(alone, tables))
        for difference in DIFFERENCES:
            rows += ask_difference(difference, setting, tables)
    every = list(settings(tables))
    for setting in added_settings(models, tables, "lvlm"):
        rows += _ask_group_of_lvlms(setting.clips, tables, every)
    return sorted(judge(rows), key=lambda row: row.claim)


def rows_of_tables(tables: PublishedTables, values: str = PRINTED) -> list[ClaimTest]:
    """Ask the questions about averages, C1 to C6; nothing is judged yet.

    Args:
        tables: the averages and photo counts.
        values: whether they are `as printed` or `corrected`.
    """
    every = list(settings(tables, values))
    if not every:
        raise InputError("results.csv: holds no row of family 'clip', so there is no claim to test")
    rows: list[ClaimTest] = []
    for setting in every:
        repeated = is_repeated(setting, every)
        rows += _ask_setting(setting, tables, repeated)
        if setting.selector == "excluded":
            alone = without_family(setting)
            rows += _ask_setting(alone, tables, repeated) if len(alone.clips) > 1 else []
    lvlms = tables.results[tables.results["family"] == "lvlm"]
    for _, group in lvlms.groupby(["setup", "prompt", "averaging"], sort=False):
        rows += _ask_group_of_lvlms(group, tables, every)
    return rows


def _ask_setting(setting: Setting, tables: PublishedTables, repeated: bool) -> Iterator[ClaimTest]:
    yield ask_drop(setting, tables)
    # Several checkpoints of one model (Table 9) are no new setting for claims that compare models.
    if repeated:
        return
    if len(setting.imagenet):
        yield ask_robustness(setting, tables)
    for difference in DIFFERENCES:
        yield from ask_difference(difference, setting, tables)


def _ask_group_of_lvlms(lvlms: pd.DataFrame, tables: PublishedTables, every: Sequence[Setting]) -> Iterator[ClaimTest]:
    """Compare the language models of one setting with the paper's CLIPs in it."""
    first = lvlms.iloc[0]
    for setting in every:
        asked = (setting.source, setting.setup, setting.prompt, setting.averaging, setting.selector)
        if asked == ("paper", first["setup"], first["prompt"], first["averaging"], "included"):
            yield from ask_lvlms(setting, lvlms, tables)
            return


def _figures(row: ClaimTest) -> tuple[object, ...]:
    """The key of rows that differ in nothing but where their values are from; photo counts move errors only."""
    setting = tuple(value for key, value in row.setting.items() if key != "values")
    return (row.claim, row.question, row.source, setting, row.effect, len(row.models))


def _correct_tables(tables: PublishedTables, corrections: Sequence[Correction]) -> PublishedTables:
    """Apply the audit's corrections to the averages and the photo counts."""
    return dataclasses.replace(
        tables,
        results=_correct_table(tables.results, "results.csv", corrections),
        replication=_correct_table(tables.replication, "replication_results.csv", corrections),
        classes=_correct_table(tables.classes, "classes.csv", corrections),
    )


def _read_corrected_classwise(directory: Path, corrections: Sequence[Correction]) -> dict[str, pd.DataFrame]:
    """Read the accuracies of single classes with the audit's corrections, as `published.tables.read_classwise` does."""
    return read_classwise(directory, lambda frame, file: _correct_table(frame, file, corrections))


def _correct_table(frame: pd.DataFrame, file: str, corrections: Iterable[Correction]) -> pd.DataFrame:
    """Replace what is wrong in a table, or leave its row out where no single correction fits.

    Args:
        frame: as read, its index counting the file's rows from 0.
        file: that it was read from.
        corrections: of all files.
    """
    frame = frame.copy()
    out = set()
    for correction in corrections:
        row = correction.line - 2  # the header is line 1
        if correction.file != file or row not in frame.index:
            continue
        if correction.corrected is None:
            out.add(row)
        else:
            frame.loc[row, correction.column] = float(correction.corrected)
    return frame.drop(index=sorted(out))


def claims_content(
    tests: Sequence[JudgedClaim],
    added: Sequence[JudgedClaim] = (),
    missed: Sequence[Mapping[str, str]] = (),
    primary: Sequence[PrimaryTest] = (),
    detectable: Sequence[Detectable] = (),
    both: BothSources | None = None,
    wider: Wider | None = None,
) -> dict[str, Any]:
    """The content for `--json`.

    Args:
        tests: the tests on the published tables.
        added: the tests on the user's own models.
        missed: the questions that those models cannot answer.
        wider: the measurements by others, if they are included.
        primary: one test for each claim, and its sensitivity analyses.
        detectable: the smallest effects that these tests can show.
        both: both sources in one model.
    """
    return {
        "statements": CLAIMS,
        "claims": [dataclasses.asdict(test) for test in tests],
        "primary": [dataclasses.asdict(test) for test in primary],
        "detectable": [dataclasses.asdict(each) for each in detectable],
        "both_sources": None if both is None else dataclasses.asdict(both),
        "not_asked": [NOT_BY_CLASS],
        "added": [dataclasses.asdict(test) for test in added],
        "added_not_asked": list(missed),
        "versions": results.versions("numpy", "scipy", "pandas", "statsmodels"),
    } | (wider.as_json() if wider else {})
