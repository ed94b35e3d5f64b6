"""All tests of S19 on published accuracies, with one correction for all questions."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from published.tables import PublishedTables
from realdata.reliance.alternatives import Alternatives, AtOneDifficulty, ask_alternatives
from realdata.reliance.averages import IndexDifference, RelianceTest, ask_averages
from realdata.reliance.class_summary import ClassSummary, summarise
from realdata.reliance.classes import ClassTest, ask_classes, fit_classes
from realdata.reliance.counts import count
from realdata.reliance.families import pair_families
from realdata.reliance.models import ModelIndex, ask_models
from realdata.reliance.question import Question, Row, holm


@dataclasses.dataclass(frozen=True)
class Study:
    """All results.

    Attributes:
        tests: tests of each family's averages in each setting against one ray.
        comparisons: differences of the families' indices.
        classes: tests of each class of each source against one ray.
        summaries: a summary of each source's classes.
        models: each model's index in each setting.
        alternatives: the line that describes each family's averages.
        differences: differences of the families' indices with one difficulty of the photos.
        questions: number of p-values that were corrected together.
    """

    tests: list[RelianceTest]
    comparisons: list[IndexDifference]
    classes: list[ClassTest]
    summaries: list[ClassSummary]
    models: list[ModelIndex]
    alternatives: list[Alternatives]
    differences: list[AtOneDifficulty]
    questions: int


def study(tables: PublishedTables, classwise: Mapping[str, pd.DataFrame]) -> Study:
    """Ask every question, with verdicts at 5% after Holm's correction over all of them.

    Args:
        tables: the averages and the photo counts.
        classwise: accuracies of single classes by source, from `published.tables.read_classwise`; may be empty.
    """
    settings = pair_families(tables)
    counts = [count(source, frame, tables.classes) for source, frame in classwise.items()]
    fits = [fit_classes(of) for of in counts]
    by_source = [ask_classes(fit) for fit in fits]

    tests, comparisons = ask_averages(settings)
    classes = [question for questions in by_source for question in questions]
    summaries = [summarise(*pair) for pair in zip(fits, by_source, strict=True)]
    models = ask_models(settings, counts)
    alternatives, differences = ask_alternatives(settings)
    every: list[Question[Any]] = [
        *tests, *comparisons, *classes, *summaries, *models, *alternatives, *differences
    ]  # fmt: skip
    correct = holm(every)

    def answers(questions: Iterable[Question[Row]]) -> list[Row]:
        return [question.answer(correct) for question in questions]

    return Study(
        tests=answers(tests),
        comparisons=answers(comparisons),
        classes=answers(classes),
        summaries=answers(summaries),
        models=answers(models),
        alternatives=answers(alternatives),
        differences=answers(differences),
        questions=sum(len(question.p_values) for question in every),
    )
