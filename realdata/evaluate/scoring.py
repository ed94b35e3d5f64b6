"""A model's answers to all photos: other processes decode, the model scores, and finished pieces go to disk.

`Pieces` holds the finished part of an evaluation, so that the same command continues where it stopped.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from realdata.evaluate.config import EvaluationConfig
from realdata.evaluate.predictions import COLUMNS, TIE_COLUMNS
from realdata.evaluate.ties import Answer, answer
from realdata.models.alike import overflow_hint
from realdata.models.model import Model
from realdata.models.registry import place_of
from realdata.photos.decoding import Decoders, Unreadable
from realdata.photos.folders import DataSet, Photo
from realdata.photos.masking import MaskedRead, mask_name
from workbench import hosts, results, terminal
from workbench.errors import InputError, RunError
from workbench.interruption import Interruption

SECONDS = 5.0  # at least, between two pieces
_FOLDER = ".unfinished-"


class Pieces:
    """The finished pieces of a run, by all of its processes: small files beside the results.

    Args:
        out: the folder of the results.
        identity: everything that decides the answers, ready for JSON; it keeps the pieces of different runs apart.
        process: the number of this process in the run.

    Raises:
        InputError: in place of the pieces' folder there is a link.
    """

    def __init__(self, out: Path, identity: Mapping[str, Any], process: int = 0):
        self.out, self.process = out, process
        name = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]
        self.folder = results.path_inside(out, f"{_FOLDER}{name}")
        self._last = time.monotonic()

    def read(self) -> Iterator[dict[str, Any]]:
        """Read all pieces of all processes.

        Raises:
            InputError: a piece cannot be read.
        """
        for path in sorted(self.folder.glob("*.json")):
            try:
                yield json.loads(results.path_inside(self.folder, path.name).read_text(encoding="utf-8"))
            except InputError:
                raise
            except (OSError, ValueError) as error:
                raise InputError(
                    f"`out`: {path} cannot be read ({error}); delete it to score its photos again"
                ) from error

    def is_due(self) -> bool:
        """Whether enough time has passed since the last piece to write another."""
        return time.monotonic() - self._last >= SECONDS

    def write(self, piece: Mapping[str, Any]) -> None:
        """Write a piece.

        Raises:
            InputError: it cannot be written; earlier pieces stay as they are.
        """
        numbers = (int(path.stem.partition("-")[2]) for path in self.folder.glob(f"{self.process}-*.json"))
        number = max(numbers, default=-1) + 1
        results.write_files(self.folder, {f"{self.process}-{number:06d}.json": results.to_json(piece)})
        self._last = time.monotonic()

    def remove(self) -> None:
        """Delete the pieces of this and of earlier, unfinished runs, after the results are written."""
        if hosts.is_first():
            for folder in self.out.glob(f"{_FOLDER}*"):
                shutil.rmtree(folder, ignore_errors=True)


class Scoring(NamedTuple):
    """How a model scores photos.

    Attributes:
        model: the model.
        root: the folder of the class folders, where the photos' paths start.
        batch_size: photos in a batch.
        workers: number of processes that decode.
        strict: whether a photo that cannot be read ends the run.
        read: reads a photo's file, in place of the model's own reader.
    """

    model: Model
    root: Path
    batch_size: int
    workers: int
    strict: bool
    read: Callable[[Path], Any] | None = None


def scoring_of(
    config: EvaluationConfig, data: DataSet, name: str, model: Model, leave_out: Collection[str] = ()
) -> tuple[Scoring, dict[str, Any]]:
    """How a model scores a data set's photos, and what decides its numbers, ready for JSON.

    Args:
        config: the configuration.
        data: the photos.
        name: the model's name, as `--model` takes it.
        model: the model.
        leave_out: parts of the model's description on which its numbers do not depend.
    """
    files = [data.root / photo.path for photo in data.photos]
    place = place_of(name)
    if place is not None:
        files += sorted(path for path in place.iterdir() if path.is_file()) if place.is_dir() else [place]
    read = None
    if config.mask is not None:
        read = MaskedRead(model.read, data.root, config.mask, config.fill)
        files += [config.mask / mask_name(photo.path) for photo in data.photos]
    described = {key: value for key, value in model.description.items() if key not in leave_out}
    identity = {
        "model": [name, results.as_read_back(described)],
        "files": [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files],
        "strict": config.strict,
        "fill": None if config.mask is None else config.fill,
    }
    size = config.batch_size or model.batch_size
    return Scoring(model, data.root, size, config.workers, config.strict, read), identity


class BatchScores(NamedTuple):
    """A model's scores of a batch of photos.

    Attributes:
        photos: the photos that could be read and whose scores are finite.
        scores: their scores; -inf for classes that are not a photo's candidates.
        unreadable: the photos that could not be read, with the reason.
        broken: the photos whose scores are not finite, with the first such score.
    """

    photos: list[Photo]
    scores: Float[np.ndarray, "photos candidates"]
    unreadable: list[tuple[Photo, str]]
    broken: list[tuple[Photo, float]]


def score_photos(
    scoring: Scoring,
    photos: Sequence[Photo],
    allowed: Mapping[int, Bool[np.ndarray, " candidates"]],
    pieces: Pieces,
    condense: Callable[[Sequence[BatchScores]], dict[str, Any]],
    task: str,
) -> list[dict[str, Any]]:
    """Score all photos that are in no piece yet, and return all pieces.

    Args:
        scoring: the model, and how it scores photos.
        photos: all photos; each process scores its share.
        allowed: class index to a mask of its photos' candidates.
        pieces: the finished part of the run.
        condense: turns scores into a piece's content, ready for JSON.
        task: a name for the progress display.

    Raises:
        InputError: a photo cannot be read and `strict` is set, or a piece cannot be written.
        RunError: a photo's scores are not finite; finished pieces stay.
        KeyboardInterrupt: the run was stopped; finished pieces stay.
    """
    process, processes = jax.process_index(), jax.process_count()
    done = {path for piece in pieces.read() for path in piece["done"]}
    share = photos[process::processes]
    left = [photo for photo in share if photo.path not in done]
    batches: list[BatchScores] = []

    def write_piece() -> None:
        if batches:
            paths = [photo.path for part in batches for photo in (*part.photos, *(each for each, _ in part.unreadable))]
            pieces.write({"done": paths} | condense(batches))
            batches.clear()

    with Interruption() as interruption, terminal.progress(unit="photos") as display:
        bar = display.add_task(task, total=len(share), completed=len(share) - len(left), status="")
        for part in _score_batches(scoring, left, allowed):
            batches.append(part)
            display.advance(bar, len(part.photos) + len(part.unreadable))
            if part.unreadable and scoring.strict:
                write_piece()
                photo, reason = part.unreadable[0]
                raise InputError(f"`strict`: {scoring.root / photo.path} cannot be read ({reason})")
            if part.broken:
                write_piece()
                photo, value = part.broken[0]
                raise RunError(
                    f"the scores of {photo.path} are not finite, the first is {value}; the photo could be read, so the "
                    f"fault is the model's{overflow_hint(scoring.model.description.get('dtype'))}"
                )
            if pieces.is_due() or interruption.wanted:
                write_piece()
            if interruption.wanted:
                completed = int(display.tasks[bar].completed)
                raise KeyboardInterrupt(
                    f"stopped after {completed} of {len(share)} photos; the same command continues from there"
                )
        write_piece()
    hosts.wait_for_all(task)
    return list(pieces.read())


def _score_batches(
    scoring: Scoring, photos: Sequence[Photo], allowed: Mapping[int, Bool[np.ndarray, " candidates"]]
) -> Iterator[BatchScores]:
    """Score batch by batch; the device works on one while the previous one's scores are collected."""
    waiting: tuple[list[Photo], Any, np.ndarray, list[tuple[Photo, str]]] | None = None
    paths = [scoring.root / photo.path for photo in photos]
    with Decoders(scoring.read or scoring.model.read, min(scoring.workers, len(photos))) as decoders:
        start = 0
        for images in decoders.batches(paths, scoring.batch_size):
            pairs = list(zip(photos[start : start + len(images)], images, strict=True))
            start += len(images)
            readable = [(photo, image) for photo, image in pairs if not isinstance(image, Unreadable)]
            unreadable = [(photo, str(image)) for photo, image in pairs if isinstance(image, Unreadable)]
            scores: Any = np.zeros((0, 0))
            among = np.zeros((0, 0), bool)
            if readable:
                among = np.stack([allowed[photo.class_index] for photo, _ in readable])
                scores = scoring.model.score([image for _, image in readable], among)
            if waiting is not None:
                yield _batch_scores(*waiting)
            waiting = [photo for photo, _ in readable], scores, among, unreadable
        if waiting is not None:
            yield _batch_scores(*waiting)


def _batch_scores(
    photos: list[Photo], scores: Any, among: np.ndarray, unreadable: list[tuple[Photo, str]]
) -> BatchScores:
    values = np.where(among, np.asarray(scores, float), -np.inf)
    fine: list[int] = []
    broken = []
    for row, photo in enumerate(photos):
        own = values[row][among[row]]
        bad = own[~np.isfinite(own)].tolist()
        if bad:
            broken.append((photo, bad[0]))
        else:
            fine.append(row)
    return BatchScores([photos[row] for row in fine], values[fine], unreadable, broken)


class Answers(NamedTuple):
    """A model's answers to all photos.

    Attributes:
        predictions: a row for each photo that could be read, in the order of the photos, with the columns
            `COLUMNS` and `TIE_COLUMNS`.
        unreadable: the paths of the other photos, with the reason.
    """

    predictions: pd.DataFrame
    unreadable: list[tuple[str, str]]

    def to_frame(self) -> pd.DataFrame:
        """The table of predictions."""
        return self.predictions


def answer_photos(
    scoring: Scoring,
    photos: Sequence[Photo],
    candidates: Sequence[int],
    allowed: Mapping[int, Bool[np.ndarray, " candidates"]],
    pieces: Pieces,
    number: int = 1,
) -> list[Answers]:
    """Find the candidate with the highest score for every photo, by the rule of `realdata.evaluate.ties`.

    Args:
        scoring: the model, and how it scores photos.
        photos: all photos.
        candidates: the candidates' class indices.
        allowed: class index to a mask of its photos' candidates.
        pieces: the finished part of the run.
        number: how many models this one holds: it scores all candidates for the first, then for the next.

    Returns:
        The answers of each model.

    Raises:
        InputError: as in `score_photos`.
        RunError: as in `score_photos`.
    """
    places = {index: place for place, index in enumerate(candidates)}

    def condense(parts: Sequence[BatchScores]) -> dict[str, Any]:
        answers: list[dict[str, Answer]] = [{} for _ in range(number)]
        unreadable: dict[str, str] = {}
        for part in parts:
            for photo, row in zip(part.photos, part.scores, strict=True):
                for of_model, scores in zip(answers, np.split(row, number), strict=True):
                    of_model[photo.path] = answer(scores, places.get(photo.class_index))
            unreadable |= {photo.path: reason for photo, reason in part.unreadable}
        return {"answers": answers, "unreadable": unreadable}

    every = {index: np.tile(mask, number) for index, mask in allowed.items()}
    contents = score_photos(scoring, photos, every, pieces, condense, "photos")
    return [
        join_pieces(photos, candidates, [{**content, "answers": content["answers"][model]} for content in contents])
        for model in range(number)
    ]


def join_pieces(photos: Sequence[Photo], candidates: Sequence[int], pieces: Iterable[Mapping[str, Any]]) -> Answers:
    """Join pieces into one table.

    Args:
        photos: all photos.
        candidates: the candidates' class indices.
        pieces: each with `answers` (an `Answer` by path) and `unreadable` (a reason by path).
    """
    answers: dict[str, Answer] = {}
    reasons: dict[str, str] = {}
    for piece in pieces:
        answers |= {path: Answer(*parts) for path, parts in piece["answers"].items()}
        reasons |= piece["unreadable"]
    rows = []
    for photo in photos:
        if photo.path in answers:
            place, score, tied, with_own = answers[photo.path]
            index = candidates[place]
            rows.append((*photo, index, int(index == photo.class_index), score, tied, int(with_own)))
    unreadable = [(photo.path, reasons[photo.path]) for photo in photos if photo.path in reasons]
    return Answers(pd.DataFrame(rows, columns=pd.Index([*COLUMNS, *TIE_COLUMNS])), unreadable)


def most_similar_candidates(
    scoring: Scoring, photos: Sequence[Photo], candidates: Sequence[int], number: int, pieces: Pieces
) -> dict[int, list[int]]:
    """The candidates with the highest mean score over a class's photos of both groups, best first (paper, 1 vs. 20).

    Args:
        scoring: the model, and how it scores photos.
        photos: all photos.
        candidates: the candidates' class indices.
        number: how many candidates a class gets.
        pieces: the finished part of the run.

    Returns:
        Class index to its candidates. As in the paper, the class itself is among them only if its score is high enough.
    """
    every = {photo.class_index: np.ones(len(candidates), bool) for photo in photos}

    def condense(parts: Sequence[BatchScores]) -> dict[str, Any]:
        sums: dict[int, np.ndarray] = {}
        for part in parts:
            for photo, scores in zip(part.photos, part.scores, strict=True):
                sums[photo.class_index] = sums.get(photo.class_index, 0.0) + scores
        return {"sums": {str(index): total.tolist() for index, total in sums.items()}}

    totals = {index: np.zeros(len(candidates)) for index in every}
    for piece in score_photos(scoring, photos, every, pieces, condense, "candidates"):
        for index, total in piece["sums"].items():
            totals[int(index)] += np.asarray(total)
    best = {index: np.argsort(-total, kind="stable")[:number] for index, total in totals.items()}
    return {index: [candidates[place] for place in places] for index, places in best.items()}
