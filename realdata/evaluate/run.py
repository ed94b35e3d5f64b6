"""An evaluation, from what is asked to its result: which photos and candidates there are, and what the model says."""

import contextlib
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool

from realdata.evaluate.activations import activation_notes, compare_activations, comparison_note
from realdata.evaluate.candidates import (
    NUMBER,
    PAPER,
    TWENTY,
    allowed_candidates,
    check_candidates,
    published_lists,
    read_templates,
)
from realdata.evaluate.config import EvaluationConfig, Work
from realdata.evaluate.result import Evaluation, summarise, summarise_uncurated
from realdata.evaluate.scores import answers_from, read_scores
from realdata.evaluate.scoring import Answers, Asking, Kept, answers_of_each, most_similar
from realdata.evaluate.ties import RULE, alike_notes, check_apart
from realdata.models.model import Model, Question
from realdata.models.registry import load_model
from realdata.photos.class_names import read_class_names, read_mapping
from realdata.photos.folders import find_photos, find_uncurated
from realdata.photos.masking import MaskedRead, check_masks, mask_name
from workbench import hosts, results, terminal

_Lists = Mapping[int, Sequence[int]] | None


def run(config: EvaluationConfig, out: Path | None = None) -> Evaluation:
    """Ask a model about every photo, with the progress on a terminal.

    Args:
        config: which model, on which photos, asked how.
        out: a folder for the results and for what an unfinished run has done, so that the same run goes on from there;
            nothing is kept unless it is given.

    Raises:
        InputError: photos, names, prompt or model cannot be read, or do not fit together; the message says which.
        RunError: the model's weights or scores are not finite; what was done is kept likewise.
        KeyboardInterrupt: it was stopped; what was done is kept in the folder, if there is one.
    """
    templates = read_templates(config.prompt)
    if out is not None:
        results.check_writable(out)
    classes = read_class_names(config.names)
    find = find_uncurated if config.uncurated else find_photos
    folder = find(config.data, classes, read_mapping(config.classes) if config.classes else None)
    with contextlib.ExitStack() as stack:
        unfinished = Path(stack.enter_context(tempfile.TemporaryDirectory())) if out is None else out
        if config.mask is not None:
            check_masks(config.mask, folder.photos)
        work = Work(config, classes, templates, folder.root, folder.photos, unfinished)
        origin, found, lists, notes = _by_model(work) if config.scores is None else _from_file(work)
        if config.uncurated:
            summary = summarise_uncurated(work, found, [*folder.notes, *notes])
        else:
            summary = summarise(work, origin, found, lists, [*folder.notes, *notes])
        evaluation = Evaluation(work, summary, found, lists)
        if out is not None:
            if hosts.is_first():
                evaluation.save(out)
            Kept(out, {}).remove()
    return evaluation


def _from_file(work: Work) -> tuple[dict[str, Any], Answers, _Lists, list[str]]:
    """Where the answers of `--scores` come from, they, the candidates of each class, and what a person should know."""
    path = work.config.scores
    assert path is not None
    scores = read_scores(path, work.classes.names)
    notes = check_candidates(work.config.setup, scores.candidates, "scores", str(path))
    lists = published_lists() if work.config.setup == TWENTY else None
    found, left_out = answers_from(scores, path, work.photos, _allowed(work, scores.candidates, lists))
    notes += left_out
    origin = {"model": str(path), "kind": "scores", "preprocessing": None, "candidates": len(scores.candidates)}
    origin |= {"reads_prompts": False}
    if work.config.prompt != PAPER:
        notes.append("the prompt says nothing of scores that are there already")
    return origin, found, lists, notes


def _by_model(work: Work) -> tuple[dict[str, Any], Answers, _Lists, list[str]]:
    """The same, of a model that is asked."""
    config, names = work.config, work.classes.names
    notes = check_candidates(config.setup, names, "names", config.names)
    question = Question(list(names), list(names.values()), work.templates)
    lists: _Lists = published_lists() if config.setup == TWENTY else None
    if config.candidates_from is not None:
        other = _load(config.candidates_from, work, question, "candidates_from")
        asking, kept = _asking(work, config.candidates_from, other, question, None)
        lists = most_similar(asking, work.photos, question.indices, NUMBER, kept)
        del other, asking  # one model's weights at a time
    allowed = _allowed(work, question.indices, lists)
    assert config.model is not None
    model = _load(config.model, work, question)
    asking, kept = _asking(work, config.model, model, question, lists)
    activations = model.description.get("activations") or [""]
    each = answers_of_each(asking, work.photos, question.indices, allowed, kept, len(activations))
    found = each[0]
    notes += activation_notes(config.model, model.description)
    compared = None
    if len(activations) > 1 and not found.predictions.empty:
        compared = compare_activations(dict(zip(activations, (one.predictions for one in each), strict=True)))
        notes.append(comparison_note(compared))
    notes += alike_notes(model.description, names, found.predictions)
    if model.texts:
        notes += _repeated(work.templates)
    if config.mask is not None:
        notes.append(f"the photos' backgrounds were masked out ({config.fill}); published models saw whole photos")
    if not model.texts and config.prompt != PAPER:
        notes.append("the model reads no texts, so that the prompt says nothing")
    origin = {"model": config.model, **model.description, "candidates": len(names), "reads_prompts": model.texts}
    origin |= {} if compared is None else {"activations": compared}
    return origin, found, lists, notes


def _allowed(work: Work, candidates: Sequence[int], lists: _Lists) -> dict[int, Bool[np.ndarray, " candidates"]]:
    shown = np.array(sorted({photo.class_index for photo in work.photos}))
    return dict(zip(shown.tolist(), allowed_candidates(lists, np.array(candidates), shown), strict=True))


def _load(name: str, work: Work, question: Question, parameter: str = "model") -> Model:
    loading = work.config.loading
    if parameter != "model":  # of another model's candidates there is one list
        loading = loading._replace(both_activations=False)
    with terminal.working(f"reading {name}"):
        model = load_model(name, question, loading, parameter)
    check_apart(model.description, work.classes.names)
    return model


def _repeated(templates: Sequence[str]) -> list[str]:
    """Templates in which the name stands more than once, which may be a slip."""
    several = [template for template in templates if template.count("{}") > 1]
    return [f"the prompt {template!r} says the name {template.count('{}')} times" for template in several]


def _asking(work: Work, name: str, model: Model, question: Question, lists: _Lists) -> tuple[Asking, Kept]:
    """How a model is asked, and where its unfinished work is kept: under all that its answers depend on."""
    config = work.config
    files = [work.root / photo.path for photo in work.photos]
    if Path(name).is_dir():
        files += sorted(path for path in Path(name).iterdir() if path.is_file())
    read = None
    if config.mask is not None:
        read = MaskedRead(model.read, work.root, config.mask, config.fill)
        files += [config.mask / mask_name(photo.path) for photo in work.photos]
    identity = {
        "model": [name, results.plain(model.description)],
        "question": question,
        "lists": None if lists is None else sorted((index, list(each)) for index, each in lists.items()),
        "files": [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files],
        "strict": config.strict,
        "ties": RULE,
        "fill": None if config.mask is None else config.fill,
    }
    size = config.batch_size or model.batch_size
    asking = Asking(model, work.root, size, config.workers, config.strict, read)
    return asking, Kept(work.unfinished, identity, hosts.number())
