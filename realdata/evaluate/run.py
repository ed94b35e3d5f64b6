"""One evaluation, from the configuration to the result: find photos and candidates, ask the model, summarise."""

import contextlib
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool

from realdata.evaluate.activations import activation_notes, compare_activations, comparison_note
from realdata.evaluate.candidates import NUMBER, allowed_candidates, check_candidates, published_lists, read_templates
from realdata.evaluate.config import EvaluationConfig
from realdata.evaluate.result import Evaluation, summarise, summarise_groups, summarise_uncurated
from realdata.evaluate.scores import answers_from_scores, read_scores
from realdata.evaluate.scoring import Answers, Pieces, Scoring, answer_photos, most_similar_candidates, scoring_of
from realdata.evaluate.ties import RULE, alike_notes, check_distinct
from realdata.evaluate.work import Work
from realdata.models.model import Model, Question
from realdata.models.registry import load_model
from realdata.names import PAPER, TWENTY
from realdata.photos.class_names import ClassNames, read_class_names, read_mapping
from realdata.photos.folders import DataSet, find_photos, find_uncurated
from realdata.photos.masking import check_masks
from realdata.photos.metadata import read_metadata
from realdata.repairs.study import Repaired, repair_photos
from theory.repair_rules import PLAIN
from workbench import hosts, results, terminal

_Lists = Mapping[int, Sequence[int]] | None


def run(config: EvaluationConfig, out: Path | None = None, data: DataSet | None = None) -> Evaluation:
    """Evaluate a model on photos, with progress on a terminal.

    Args:
        config: the configuration.
        out: a folder for the results and for the pieces of an unfinished run, which the same command continues;
            without it nothing is written.
        data: the photos, where an earlier evaluation has listed them.

    Raises:
        InputError: photos, names, prompt or model cannot be read, or do not fit together; the message says which.
        RunError: the model's weights or scores are not finite. Finished pieces stay in the folder.
        KeyboardInterrupt: the run was stopped. Finished pieces stay in the folder.
    """
    templates = read_templates(config.prompt)
    if out is not None:
        results.check_writable(out)
    classes = read_class_names(config.names)
    data = _find_data(config, classes) if data is None else data
    with contextlib.ExitStack() as stack:
        unfinished = Path(stack.enter_context(tempfile.TemporaryDirectory())) if out is None else out
        if config.mask is not None:
            check_masks(config.mask, data.photos)
        work = Work(config, classes, templates, data, unfinished)
        origin, found, lists, notes, repaired = _ask_model(work) if config.scores is None else _read_answers(work)
        if config.uncurated:
            summary = summarise_uncurated(work, found, [*data.notes, *notes])
        else:
            of_data = summarise if config.metadata is None else summarise_groups
            summary = of_data(work, origin, found, lists, [*data.notes, *notes])
        if repaired is not None:
            summary["repairs"] = repaired.content
        evaluation = Evaluation(work, summary, found, lists, repaired)
        if out is not None:
            if hosts.is_first():
                evaluation.save(out)
            Pieces(out, {}).remove()
    return evaluation


def _find_data(config: EvaluationConfig, classes: ClassNames) -> DataSet:
    if config.metadata is not None:
        return read_metadata(config.data, config.metadata, classes)
    find = find_uncurated if config.uncurated else find_photos
    return find(config.data, classes, read_mapping(config.classes) if config.classes else None)


class _Asked(NamedTuple):
    """The answers' origin, the answers, the candidates of each class, notes, and the repairs' answers."""

    origin: dict[str, Any]
    answers: Answers
    lists: _Lists
    notes: list[str]
    repaired: Repaired | None = None


def _read_answers(work: Work) -> _Asked:
    """Read the answers from `--scores`."""
    path = work.config.scores
    assert path is not None
    scores = read_scores(path, work.classes.names)
    notes = check_candidates(work.config.setup, scores.candidates, "scores", str(path))
    lists = published_lists() if work.config.setup == TWENTY else None
    allowed = _candidate_masks(work, scores.candidates, lists)
    found, left_out = answers_from_scores(scores, path, work.data.photos, allowed)
    notes += left_out
    origin = {"model": str(path), "kind": "scores", "preprocessing": None, "candidates": len(scores.candidates)}
    origin |= {"reads_prompts": False}
    if work.config.prompt != PAPER:
        notes.append("the prompt has no effect on scores from a file")
    return _Asked(origin, found, lists, notes)


def _ask_model(work: Work) -> _Asked:
    """Ask the model of `--model`."""
    config, names = work.config, work.classes.names
    notes = check_candidates(config.setup, names, "names", config.names)
    question = Question(list(names), list(names.values()), work.templates)
    lists: _Lists = published_lists() if config.setup == TWENTY else None
    if config.candidates_from is not None:
        other = _load(config.candidates_from, work, question, "candidates_from")
        scoring, pieces = _prepare(work, config.candidates_from, other, question, None)
        lists = most_similar_candidates(scoring, work.data.photos, question.indices, NUMBER, pieces)
        del other, scoring  # so that only one model is in memory
    allowed = _candidate_masks(work, question.indices, lists)
    assert config.model is not None
    model = _load(config.model, work, question)
    activations = model.description.get("activations") or [""]
    repaired = None
    if config.repairs is None:
        scoring, pieces = _prepare(work, config.model, model, question, lists)
        each = answer_photos(scoring, work.data.photos, question.indices, allowed, pieces, len(activations))
    else:
        repaired = repair_photos(work, model, allowed)
        each = [repaired.each[PLAIN]]
        notes += repaired.notes
    found = each[0]
    notes += activation_notes(config.model, model.description)
    compared = None
    if len(activations) > 1 and not found.predictions.empty:
        compared = compare_activations(dict(zip(activations, (one.predictions for one in each), strict=True)))
        notes.append(comparison_note(compared))
    notes += alike_notes(model.description, names, found.predictions)
    if model.texts:
        notes += _repetition_notes(work.templates)
    if config.mask is not None:
        notes.append(f"the photos' backgrounds were masked out ({config.fill}); published models saw whole photos")
    if not model.texts and config.prompt != PAPER:
        notes.append("the model reads no texts, so the prompt has no effect")
    origin = {"model": config.model, **model.description, "candidates": len(names), "reads_prompts": model.texts}
    origin |= {} if compared is None else {"activations": compared}
    return _Asked(origin, found, lists, notes, repaired)


def _candidate_masks(
    work: Work, candidates: Sequence[int], lists: _Lists
) -> dict[int, Bool[np.ndarray, " candidates"]]:
    """Which candidates the photos of each class have."""
    indices = np.array(sorted({photo.class_index for photo in work.data.photos}))
    return dict(zip(indices.tolist(), allowed_candidates(lists, np.array(candidates), indices), strict=True))


def _load(name: str, work: Work, question: Question, parameter: str = "model") -> Model:
    loading = work.config.loading
    if parameter != "model":  # both activations are for the evaluated model only
        loading = loading._replace(both_activations=False)
    with terminal.spinner(f"reading {name}"):
        model = load_model(name, question, loading, parameter)
    check_distinct(model.description, work.classes.names)
    return model


def _repetition_notes(templates: Sequence[str]) -> list[str]:
    """A note for each template that repeats the name, which may be a mistake."""
    several = [template for template in templates if template.count("{}") > 1]
    return [f"the prompt {template!r} repeats the name {template.count('{}')} times" for template in several]


def _prepare(work: Work, name: str, model: Model, question: Question, lists: _Lists) -> tuple[Scoring, Pieces]:
    """How the model scores photos, and the folder of its unfinished work, named after all that decides the answers."""
    scoring, identity = scoring_of(work.config, work.data, name, model)
    identity |= {
        "question": question,
        "lists": None if lists is None else sorted((index, list(each)) for index, each in lists.items()),
        "ties": RULE,
    }
    return scoring, Pieces(work.unfinished, identity, hosts.process_number())
