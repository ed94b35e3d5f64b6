"""A model asked about photos: decoded ahead by other processes, scored, and kept piece by piece."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float

from realdata.evaluate.kept import Kept
from realdata.models.model import Model
from realdata.photos.decoding import Decoders, Unreadable
from realdata.photos.folders import Photo
from workbench import hosts, terminal
from workbench.errors import InputError
from workbench.interruption import Interruption


class Asking(NamedTuple):
    """How a model is asked.

    Attributes:
        model: it.
        root: the folder that the photos' paths start from.
        batch_size: photos at a time.
        workers: processes that decode.
        strict: whether a photo that cannot be read ends the run.
    """

    model: Model
    root: Path
    batch_size: int
    workers: int
    strict: bool


class Scored(NamedTuple):
    """What a model says of some photos.

    Attributes:
        photos: those that could be read.
        scores: of each candidate; -inf for what is none of a photo's.
        unreadable: the others, and why.
    """

    photos: list[Photo]
    scores: Float[np.ndarray, "photos candidates"]
    unreadable: list[tuple[Photo, str]]


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
    with Decoders(asking.model.read, min(asking.workers, len(photos))) as decoders:
        start = 0
        for pictures in decoders.batches(paths, asking.batch_size):
            pairs = list(zip(photos[start : start + len(pictures)], pictures, strict=True))
            start += len(pictures)
            readable = [(photo, picture) for photo, picture in pairs if not isinstance(picture, Unreadable)]
            unreadable = [(photo, str(picture)) for photo, picture in pairs if isinstance(picture, Unreadable)]
            scores: Any = np.zeros((0, 0))
            among = np.zeros((0, 0), bool)
            if readable:
                among = np.stack([allowed[photo.class_index] for photo, _ in readable])
                scores = asking.model.score([picture for _, picture in readable], among)
            if waiting is not None:
                yield _finished(*waiting)
            waiting = [photo for photo, _ in readable], scores, among, unreadable
        if waiting is not None:
            yield _finished(*waiting)


def _finished(photos: list[Photo], scores: Any, among: np.ndarray, unreadable: list[tuple[Photo, str]]) -> Scored:
    return Scored(photos, np.where(among, np.asarray(scores, float), -np.inf), unreadable)
