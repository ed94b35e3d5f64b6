"""`python -m realdata.evaluate`: a model on photos in CounterAnimal's layout, as the paper evaluates it."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool

from realdata.evaluate.answers import Answers, answers, most_similar
from realdata.evaluate.asking import Asking
from realdata.evaluate.candidates import ALL, NUMBER, TWENTY, allowed_candidates, published_lists
from realdata.evaluate.kept import Kept
from realdata.evaluate.options import build_parser, loading
from realdata.evaluate.prompts import PAPER, read_templates
from realdata.evaluate.report import report, report_uncurated
from realdata.evaluate.scores import answers_from, read_scores
from realdata.evaluate.summary import summarise
from realdata.evaluate.work import Work
from realdata.models.choose import load_model
from realdata.models.model import Model, Question
from realdata.photos.class_names import read_class_names, read_mapping
from realdata.photos.folders import find_photos, find_uncurated
from workbench import hosts, program, results, terminal
from workbench.errors import InputError

_Lists = Mapping[int, Sequence[int]] | None


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    hosts.join(options)
    if options.candidates_from is not None and (options.setup == ALL or options.scores is not None):
        other = f"--setup {ALL}" if options.scores is None else "--scores"
        raise InputError(
            f"--candidates-from: makes the candidates of {TWENTY} with --model, and cannot go with {other}"
        )
    templates = read_templates(options.prompt)
    results.check_writable(options.out)
    results.check_json(options.json)
    classes = read_class_names(options.names)
    find = find_uncurated if options.uncurated else find_photos
    root, photos = find(options.data, classes, read_mapping(options.classes) if options.classes else None)
    work = Work(options, classes, templates, root, photos)
    origin, found, lists, notes = _by_model(work) if options.scores is None else _from_file(work)
    if hosts.is_first() and options.uncurated:
        report_uncurated(work, found, notes)
    elif hosts.is_first():
        report(work, summarise(work, origin, found, lists, notes), found, lists)
    Kept(options.out, {}).remove()


def _from_file(work: Work) -> tuple[dict[str, Any], Answers, _Lists, list[str]]:
    """Where the answers of `--scores` come from, they, the candidates of each class, and what a person should know."""
    path = work.options.scores
    scores = read_scores(path, work.classes.names)
    lists = published_lists() if work.options.setup == TWENTY else None
    found, notes = answers_from(scores, path, work.photos, _allowed(work, scores.candidates, lists))
    origin = {"model": str(path), "kind": "scores", "preprocessing": None, "candidates": len(scores.candidates)}
    origin |= {"reads_prompts": False}
    if work.options.prompt != PAPER:
        notes.append("--prompt says nothing of scores that are there already")
    return origin, found, lists, notes


def _by_model(work: Work) -> tuple[dict[str, Any], Answers, _Lists, list[str]]:
    """The same, of a model that is asked."""
    options, names = work.options, work.classes.names
    question = Question(list(names), list(names.values()), work.templates)
    lists: _Lists = published_lists() if options.setup == TWENTY else None
    if options.candidates_from is not None:
        other = _load(options.candidates_from, work, question, "--candidates-from")
        asking, kept = _asking(work, options.candidates_from, other, question, None)
        lists = most_similar(asking, work.photos, question.indices, NUMBER, kept)
        del other, asking  # one model's weights at a time
    allowed = _allowed(work, question.indices, lists)
    model = _load(options.model, work, question)
    asking, kept = _asking(work, options.model, model, question, lists)
    found = answers(asking, work.photos, question.indices, allowed, kept)
    notes = []
    if not model.texts and options.prompt != PAPER:
        notes.append("the model reads no texts, so that --prompt says nothing")
    origin = {"model": options.model, **model.description, "candidates": len(names), "reads_prompts": model.texts}
    return origin, found, lists, notes


def _allowed(work: Work, candidates: Sequence[int], lists: _Lists) -> dict[int, Bool[np.ndarray, " candidates"]]:
    shown = np.array(sorted({photo.class_index for photo in work.photos}))
    return dict(zip(shown.tolist(), allowed_candidates(lists, np.array(candidates), shown), strict=True))


def _load(name: str, work: Work, question: Question, option: str = "--model") -> Model:
    try:
        with terminal.working(f"reading {name}"):
            return load_model(name, question, loading(work.options))
    except InputError as error:
        raise InputError(str(error).replace("--model", option, 1)) from error


def _asking(work: Work, name: str, model: Model, question: Question, lists: _Lists) -> tuple[Asking, Kept]:
    """How a model is asked, and where its unfinished work is kept: under all that its answers depend on."""
    options = work.options
    files = [work.root / photo.path for photo in work.photos]
    if Path(name).is_dir():
        files += sorted(path for path in Path(name).iterdir() if path.is_file())
    identity = {
        "model": [name, results.plain(model.description)],
        "question": question,
        "lists": None if lists is None else sorted((index, list(each)) for index, each in lists.items()),
        "files": [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files],
        "strict": options.strict,
    }
    size = options.batch_size or model.batch_size
    asking = Asking(model, work.root, size, options.workers, options.strict)
    return asking, Kept(options.out, identity, hosts.number())
