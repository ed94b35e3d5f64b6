"""All tests of S19 and S28 on published accuracies, with one correction for the questions of each."""

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
from realdata.reliance.curve_tests import CurvePrediction, CurveShape, ask_curves
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
        shapes: S28's curves through the ImageNet models of each setting.
        predictions: what these curves say of other models.
        questions: number of p-values of S19 that were corrected together.
        curve_questions: number of p-values of S28 that were corrected together.
    """

    tests: list[RelianceTest]
    comparisons: list[IndexDifference]
    classes: list[ClassTest]
    summaries: list[ClassSummary]
    models: list[ModelIndex]
    alternatives: list[Alternatives]
    differences: list[AtOneDifficulty]
    shapes: list[CurveShape]
    predictions: list[CurvePrediction]
    questions: int
    curve_questions: int


def study(
    tables: PublishedTables, classwise: Mapping[str, pd.DataFrame], others: Mapping[str, pd.DataFrame] | None = None
) -> Study:
    """Ask every question, with verdicts at 5% after Holm's correction over all of them.

    Args:
        tables: the averages and the photo counts.
        classwise: accuracies of single classes by source, from `published.tables.read_classwise`; may be empty.
        others: models that others measured, from `realdata.reliance.curve_tests.read_other_models`; may be
            empty. Without them no question of S28 is asked. S28's questions have a correction of their own.
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
    shapes, predictions = ([], []) if others is None else ask_curves(settings, tables, others)
    every: list[Question[Any]] = [
        *tests, *comparisons, *classes, *summaries, *models, *alternatives, *differences
    ]  # fmt: skip
    of_curves: list[Question[Any]] = [*shapes, *predictions]
    correct, correct_curves = holm(every), holm(of_curves)

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
        shapes=[question.answer(correct_curves) for question in shapes],
        predictions=[question.answer(correct_curves) for question in predictions],
        questions=sum(len(question.p_values) for question in every),
        curve_questions=sum(len(question.p_values) for question in of_curves),
    )


def reliance_content(found: Study) -> dict[str, Any]:
    """The content of a study for `--json`."""
    return {
        "tests": [dataclasses.asdict(test) for test in found.tests],
        "comparisons": [dataclasses.asdict(comparison) for comparison in found.comparisons],
        "classes": {
            "summaries": [dataclasses.asdict(summary) for summary in found.summaries],
            "tests": [dataclasses.asdict(test) for test in found.classes],
        },
        "models": [dataclasses.asdict(model) for model in found.models],
        "alternatives": {
            "averages": [dataclasses.asdict(row) for row in found.alternatives],
            "differences": [dataclasses.asdict(row) for row in found.differences],
        },
        "curves": {
            "shapes": [dataclasses.asdict(row) for row in found.shapes],
            "predictions": [dataclasses.asdict(row) for row in found.predictions],
            "questions": found.curve_questions,
        },
        "questions": found.questions,
    }
