"""A model's answers to all photos: decoded ahead by other processes, scored, and kept piece by piece.

`Kept` is what an unfinished evaluation leaves beside its results, so that the same command goes on where it stopped.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from realdata.evaluate.predictions import COLUMNS, TIE_COLUMNS
from realdata.evaluate.ties import Answer, answer
from realdata.models.alike import overflow
from realdata.models.model import Model
from realdata.photos.decoding import Decoders, Unreadable
from realdata.photos.folders import Photo
from workbench import hosts, results, terminal
from workbench.errors import InputError, RunError
from workbench.interruption import Interruption

SECONDS = 5.0  # between two files
_FOLDER = ".unfinished-"


class Kept:
    """Pieces of work, each a small file beside the results, by all processes of a run.

    Args:
        out: the folder of the results.
        identity: what decides the answers, JSON-ready; another run's pieces are not seen.
        process: which of the run's processes this is.

    Raises:
        InputError: a link stands in the pieces' place.
    """

    def __init__(self, out: Path, identity: Mapping[str, Any], process: int = 0):
        self.out, self.process = out, process
        name = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]
        self.folder = results.inside(out, f"{_FOLDER}{name}")
        self._last = time.monotonic()

    def read(self) -> Iterator[dict[str, Any]]:
        """All pieces of all processes.

        Raises:
            InputError: a piece cannot be read.
        """
        for path in sorted(self.folder.glob("*.json")):
            try:
                yield json.loads(results.inside(self.folder, path.name).read_text(encoding="utf-8"))
            except InputError:
                raise
            except (OSError, ValueError) as error:
                raise InputError(f"`out`: {path} cannot be read ({error}); delete it to do its photos again") from error

    def due(self) -> bool:
        """Whether what was done since the last piece is worth a file."""
        return time.monotonic() - self._last >= SECONDS

    def write(self, piece: Mapping[str, Any]) -> None:
        """Keep a piece.

        Raises:
            InputError: it cannot be written; those before it are as they were.
        """
        numbers = (int(path.stem.partition("-")[2]) for path in self.folder.glob(f"{self.process}-*.json"))
        number = max(numbers, default=-1) + 1
        results.write_files(self.folder, {f"{self.process}-{number:06d}.json": results.to_json(piece)})
        self._last = time.monotonic()

    def remove(self) -> None:
        """Delete the pieces, and those of runs that were given up, once the results are written."""
        if hosts.is_first():
            for folder in self.out.glob(f"{_FOLDER}*"):
                shutil.rmtree(folder, ignore_errors=True)


class Asking(NamedTuple):
    """How a model is asked.

    Attributes:
        model: it.
        root: the folder that the photos' paths start from.
        batch_size: photos at a time.
        workers: processes that decode.
        strict: whether a photo that cannot be read ends the run.
        read: how photos are read, where not as the model reads them.
    """

    model: Model
    root: Path
    batch_size: int
    workers: int
    strict: bool
    read: Callable[[Path], Any] | None = None


class Scored(NamedTuple):
    """What a model says of some photos.

    Attributes:
        photos: those that could be read.
        scores: of each candidate; -inf for what is none of a photo's.
        unreadable: the others, and why.
        broken: those that could be read, but whose scores are not finite, with the first such score.
    """

    photos: list[Photo]
    scores: Float[np.ndarray, "photos candidates"]
    unreadable: list[tuple[Photo, str]]
    broken: list[tuple[Photo, float]]


def go_through(
    asking: Asking,
    photos: Sequence[Photo],
    allowed: Mapping[int, Bool[np.ndarray, " candidates"]],
    kept: Kept,
    condense: Callable[[Sequence[Scored]], dict[str, Any]],
    task: str,
) -> list[dict[str, Any]]:
    """Ask about all photos that no piece holds yet, and give all pieces.

    Args:
        asking: the model, and how.
        photos: all of them; of several processes each takes its share.
        allowed: class to the candidates that its photos are classified among.
        kept: where pieces are kept.
        condense: what a piece says of its photos, JSON-ready.
        task: what the progress display calls it.

    Raises:
        InputError: a photo cannot be read, and that is not allowed; or a piece cannot be written.
        RunError: a photo's scores are not finite; what was done is kept.
        KeyboardInterrupt: the run was stopped; what was done is kept.
    """
    process, processes = jax.process_index(), jax.process_count()
    done = {path for piece in kept.read() for path in piece["done"]}
    share = photos[process::processes]
    left = [photo for photo in share if photo.path not in done]
    found: list[Scored] = []

    def keep() -> None:
        if found:
            paths = [photo.path for part in found for photo in (*part.photos, *(each for each, _ in part.unreadable))]
            kept.write({"done": paths} | condense(found))
            found.clear()

    with Interruption() as interruption, terminal.progress(unit="photos") as display:
        bar = display.add_task(task, total=len(share), completed=len(share) - len(left), status="")
        for part in _scored(asking, left, allowed):
            found.append(part)
            display.advance(bar, len(part.photos) + len(part.unreadable))
            if part.unreadable and asking.strict:
                keep()
                photo, reason = part.unreadable[0]
                raise InputError(f"`strict`: {asking.root / photo.path} cannot be read ({reason})")
            if part.broken:
                keep()
                photo, value = part.broken[0]
                raise RunError(
                    f"the scores of {photo.path} are not finite, the first is {value}; it could be read, so that the "
                    f"model is at fault{overflow(asking.model.description.get('dtype'))}"
                )
            if kept.due() or interruption.wanted:
                keep()
            if interruption.wanted:
                now = int(display.tasks[bar].completed)
                raise KeyboardInterrupt(
                    f"stopped after {now} of {len(share)} photos; the same command goes on from there"
                )
        keep()
    hosts.wait_for_all(task)
    return list(kept.read())


def _scored(
    asking: Asking, photos: Sequence[Photo], allowed: Mapping[int, Bool[np.ndarray, " candidates"]]
) -> Iterator[Scored]:
    """Batch by batch; the device works on one while the last one's scores are looked at."""
    waiting: tuple[list[Photo], Any, np.ndarray, list[tuple[Photo, str]]] | None = None
    paths = [asking.root / photo.path for photo in photos]
    with Decoders(asking.read or asking.model.read, min(asking.workers, len(photos))) as decoders:
        start = 0
        for images in decoders.batches(paths, asking.batch_size):
            pairs = list(zip(photos[start : start + len(images)], images, strict=True))
            start += len(images)
            readable = [(photo, image) for photo, image in pairs if not isinstance(image, Unreadable)]
            unreadable = [(photo, str(image)) for photo, image in pairs if isinstance(image, Unreadable)]
            scores: Any = np.zeros((0, 0))
            among = np.zeros((0, 0), bool)
            if readable:
                among = np.stack([allowed[photo.class_index] for photo, _ in readable])
                scores = asking.model.score([image for _, image in readable], among)
            if waiting is not None:
                yield _finished(*waiting)
            waiting = [photo for photo, _ in readable], scores, among, unreadable
        if waiting is not None:
            yield _finished(*waiting)


def _finished(photos: list[Photo], scores: Any, among: np.ndarray, unreadable: list[tuple[Photo, str]]) -> Scored:
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
    return Scored([photos[row] for row in fine], values[fine], unreadable, broken)


class Answers(NamedTuple):
    """What a model says of all photos.

    Attributes:
        predictions: a row for each photo that could be read, in the order of the photos, with the columns
            `COLUMNS` and `TIE_COLUMNS`.
        unreadable: the paths of the others, and why.
    """

    predictions: pd.DataFrame
    unreadable: list[tuple[str, str]]

    def to_frame(self) -> pd.DataFrame:
        """The table of predictions."""
        return self.predictions


def answers_of_each(
    asking: Asking,
    photos: Sequence[Photo],
    candidates: Sequence[int],
    allowed: Mapping[int, Bool[np.ndarray, " candidates"]],
    kept: Kept,
    number: int = 1,
) -> list[Answers]:
    """Ask about every photo: the candidate with the highest score, by the rule of `realdata.evaluate.ties`.

    Args:
        asking: the model, and how.
        photos: which ones.
        candidates: class indices.
        allowed: class to the candidates that its photos are classified among.
        kept: where unfinished work is kept.
        number: of models in this one: it scores all candidates for the first, then for the next.

    Returns:
        The answers of each.

    Raises:
        InputError: as in `go_through`.
        RunError: as there.
    """
    places = {index: place for place, index in enumerate(candidates)}

    def condense(parts: Sequence[Scored]) -> dict[str, Any]:
        said: list[dict[str, Answer]] = [{} for _ in range(number)]
        unreadable: dict[str, str] = {}
        for part in parts:
            for photo, row in zip(part.photos, part.scores, strict=True):
                for of_one, scores in zip(said, np.split(row, number), strict=True):
                    of_one[photo.path] = answer(scores, places.get(photo.class_index))
            unreadable |= {photo.path: reason for photo, reason in part.unreadable}
        return {"said": said[0], "said_by_others": said[1:], "unreadable": unreadable}

    every = {index: np.tile(mask, number) for index, mask in allowed.items()}
    pieces = go_through(asking, photos, every, kept, condense, "photos")
    others = [[{**piece, "said": piece["said_by_others"][place]} for piece in pieces] for place in range(number - 1)]
    return [joined(photos, candidates, of_one) for of_one in (pieces, *others)]


def joined(photos: Sequence[Photo], candidates: Sequence[int], pieces: Iterable[Mapping[str, Any]]) -> Answers:
    """Pieces as one table.

    Args:
        photos: all of them.
        candidates: class indices.
        pieces: each with what is `said` (an `Answer` by path) and what is `unreadable` (a reason by path).
    """
    said: dict[str, Answer] = {}
    reasons: dict[str, str] = {}
    for piece in pieces:
        said |= {path: Answer(*parts) for path, parts in piece["said"].items()}
        reasons |= piece["unreadable"]
    rows = []
    for photo in photos:
        if photo.path in said:
            place, score, tied, with_own = said[photo.path]
            index = candidates[place]
            rows.append((*photo, index, int(index == photo.class_index), score, tied, int(with_own)))
    unreadable = [(photo.path, reasons[photo.path]) for photo in photos if photo.path in reasons]
    return Answers(pd.DataFrame(rows, columns=pd.Index([*COLUMNS, *TIE_COLUMNS])), unreadable)


def most_similar(
    asking: Asking, photos: Sequence[Photo], candidates: Sequence[int], number: int, kept: Kept
) -> dict[int, list[int]]:
    """The candidates with the highest mean score over a class's photos of both groups, best first (PAPER: 1 vs. 20).

    Args:
        asking: the model, and how.
        photos: which ones.
        candidates: class indices.
        number: how many candidates a class gets.
        kept: where unfinished work is kept.

    Returns:
        Class index to candidates; as in the paper, the class's own is among them only if its score puts it there.
    """
    every = {photo.class_index: np.ones(len(candidates), bool) for photo in photos}

    def condense(parts: Sequence[Scored]) -> dict[str, Any]:
        sums: dict[int, np.ndarray] = {}
        for part in parts:
            for photo, scores in zip(part.photos, part.scores, strict=True):
                sums[photo.class_index] = sums.get(photo.class_index, 0.0) + scores
        return {"sums": {str(index): total.tolist() for index, total in sums.items()}}

    totals = {index: np.zeros(len(candidates)) for index in every}
    for piece in go_through(asking, photos, every, kept, condense, "candidates"):
        for index, total in piece["sums"].items():
            totals[int(index)] += np.asarray(total)
    best = {index: np.argsort(-total, kind="stable")[:number] for index, total in totals.items()}
    return {index: [candidates[place] for place in places] for index, places in best.items()}
