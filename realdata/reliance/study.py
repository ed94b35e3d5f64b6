"""Everything that published accuracies say of S19, judged together: one correction for all that was asked."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import pandas as pd
from statsmodels.stats.multitest import multipletests

from published.tables import PublishedTables
from realdata.reliance import alternatives, averages, class_summary, classes, models
from realdata.reliance.alternatives import Alternatives, AtOneDifficulty
from realdata.reliance.averages import Comparison, RelianceTest
from realdata.reliance.class_result import ClassSummary, ClassTest
from realdata.reliance.counts import count
from realdata.reliance.families import offered
from realdata.reliance.models import ModelIndex
from workbench.conventions import LEVEL

_Row = TypeVar("_Row")


@dataclasses.dataclass(frozen=True)
class Study:
    """All findings.

    Attributes:
        tests: each family's averages in each setting against one ray.
        comparisons: the families' indices.
        classes: each class of each source against one ray.
        summaries: what each source's classes say together.
        models: each model's index in each setting.
        alternatives: what describes each family's averages.
        differences: the families' indices beside one difficulty of the photos.
        questions: how many p-values were corrected together.
    """

    tests: list[RelianceTest]
    comparisons: list[Comparison]
    classes: list[ClassTest]
    summaries: list[ClassSummary]
    models: list[ModelIndex]
    alternatives: list[Alternatives]
    differences: list[AtOneDifficulty]
    questions: int


def study(tables: PublishedTables, classwise: Mapping[str, pd.DataFrame]) -> Study:
    """Ask every question, and judge the answers at 5% after Holm's correction over all of them.

    Args:
        tables: the averages and the photo counts.
        classwise: accuracies of single classes by source, as `published.tables.read_classwise` gives them; may be
            empty.
    """
    settings = offered(tables)
    tests, comparisons = averages.examine_averages(settings)
    counts = [count(source, frame, tables.classes) for source, frame in classwise.items()]
    fits = [classes.fit_classes(of) for of in counts]
    of_classes = [classes.examine_classes(fit) for fit in fits]
    summaries = [class_summary.summarise(*pair) for pair in zip(fits, of_classes, strict=True)]
    described, differences = alternatives.examine_alternatives(settings)

    asked: list[float] = []
    waiting: list[tuple[list[Any], list[tuple[Any, int, int]], Callable[[Any, Sequence[float]], Any]]] = []

    def ask(
        rows: list[_Row], questions: Callable[[Any], tuple[float, ...]], judged: Callable[[Any, Sequence[float]], _Row]
    ) -> list[_Row]:
        """Note the rows' questions; the list that is returned is filled with judged rows at the end."""
        final: list[_Row] = []
        places = []
        for row in rows:
            values = questions(row)
            places.append((row, len(asked), len(asked) + len(values)))
            asked.extend(values)
        waiting.append((final, places, judged))
        return final

    result = Study(
        tests=ask(tests, averages.questions, averages.judged),
        comparisons=ask(comparisons, averages.questions, averages.judged_comparison),
        classes=ask([test for of in of_classes for test in of], classes.questions, classes.judged),
        summaries=ask(summaries, class_summary.questions, class_summary.judged),
        models=ask(models.examine_models(settings, counts), models.questions, models.judged),
        alternatives=ask(described, alternatives.questions, alternatives.judged),
        differences=ask(differences, alternatives.questions, alternatives.judged_difficulty),
        questions=len(asked),
    )
    corrected = [float(p) for p in multipletests(asked, alpha=LEVEL, method="holm")[1]] if asked else []
    for final, places, judge in waiting:
        final.extend(judge(row, corrected[start:end]) for row, start, end in places)
    counted = [
        class_summary.counted(summary, [test for test in result.classes if test.source == summary.source])
        for summary in result.summaries
    ]
    return dataclasses.replace(result, summaries=counted)
