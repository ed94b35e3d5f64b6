"""The embeddings of all photos, in one pass over them, kept in the user's cache folder for the next repairs."""

import base64
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from realdata.evaluate.config import EvaluationConfig
from realdata.evaluate.scoring import BatchScores, Pieces, score_photos, scoring_of
from realdata.models.model import EmbeddingModel
from realdata.photos.folders import DataSet, Photo
from workbench import hosts
from workbench.kept import cache_folder, write_kept

# Parts of a model's description that follow from the prompts.
_OF_PROMPTS = ("indistinguishable", "prompts", "prompts_cut")


class Embedded(NamedTuple):
    """The photos of a data set that could be read, with their embeddings.

    Attributes:
        photos: the photos.
        rows: their embeddings, of unit length.
        unreadable: the paths of the other photos, with the reason.
        rate: photos a second when they were embedded, decoding included; None if that was in several runs.
    """

    photos: list[Photo]
    rows: Float[np.ndarray, "photos width"]
    unreadable: list[tuple[str, str]]
    rate: float | None


class _AsScores:
    """A model whose scores of a photo are its embedding, so that photos are read and resumed as in any evaluation."""

    texts = True

    def __init__(self, model: EmbeddingModel):
        self.description: Mapping[str, Any] = model.description
        self.read: Callable[[Path], np.ndarray] = model.read
        self.batch_size = model.batch_size
        self._model = model

    def score(self, images: Sequence[np.ndarray], among: Bool[np.ndarray, "size width"]) -> Any:
        """The embeddings; see `Model.score`."""
        return self._model.embed_images(images)


def embed_photos(
    config: EvaluationConfig, data: DataSet, name: str, model: EmbeddingModel, width: int, unfinished: Path
) -> Embedded:
    """Embed all photos of a data set, or read their embeddings from the cache folder.

    Args:
        config: the configuration.
        data: the photos.
        name: the model's name.
        model: the model.
        width: of its embeddings.
        unfinished: the folder for the pieces of an unfinished run.

    Raises:
        InputError: a photo cannot be read and `strict` is set.
        RunError: an embedding is not finite.
        KeyboardInterrupt: the run was stopped; finished pieces stay.
    """
    scoring, identity = scoring_of(config, data, name, _AsScores(model), _OF_PROMPTS)
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:32]
    folder = cache_folder()
    place = None if folder is None else folder / "photos" / f"{digest}.npz"
    kept = None if place is None else _read(place, data)
    if kept is not None:
        return kept
    pieces = Pieces(unfinished, {"embeddings": digest}, hosts.process_number())
    whole = next(pieces.read(), None) is None
    every = {photo.class_index: np.ones(width, bool) for photo in data.photos}
    start = time.perf_counter()
    finished = score_photos(scoring, data.photos, every, pieces, _condense, "embeddings")
    rate = len(data.photos) / (time.perf_counter() - start) if whole else None
    rows: dict[str, bytes] = {}
    reasons: dict[str, str] = {}
    for piece in finished:
        rows |= {path: base64.b64decode(text) for path, text in piece["rows"].items()}
        reasons |= piece["unreadable"]
    photos = [photo for photo in data.photos if photo.path in rows]
    array = np.frombuffer(b"".join(rows[photo.path] for photo in photos), np.float32).reshape(-1, width)
    found = Embedded(
        photos, array, [(photo.path, reasons[photo.path]) for photo in data.photos if photo.path in reasons], rate
    )
    hosts.wait_for_all("embeddings read")
    if place is not None and hosts.is_first():
        _write(place, found)
        if place.exists():
            shutil.rmtree(pieces.folder, ignore_errors=True)
    return found


def _condense(parts: Sequence[BatchScores]) -> dict[str, Any]:
    rows = {
        photo.path: base64.b64encode(row.astype(np.float32).tobytes()).decode()
        for part in parts
        for photo, row in zip(part.photos, part.scores, strict=True)
    }
    return {"rows": rows, "unreadable": {photo.path: why for part in parts for photo, why in part.unreadable}}


def _read(place: Path, data: DataSet) -> Embedded | None:
    try:
        with np.load(place, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in ("paths", "rows", "unreadable", "rate")}
    except Exception:  # missing, incomplete or another file: computed again; NumPy and zipfile raise a dozen kinds
        return None
    paths = dict.fromkeys(arrays["paths"].tolist())
    photos = [photo for photo in data.photos if photo.path in paths]
    unreadable = [(str(path), str(reason)) for path, reason in arrays["unreadable"].reshape(-1, 2).tolist()]
    rate = float(arrays["rate"])
    return Embedded(photos, arrays["rows"], unreadable, None if np.isnan(rate) else rate)


def _write(place: Path, found: Embedded) -> None:
    arrays = {
        "paths": np.array([photo.path for photo in found.photos], str),
        "rows": found.rows,
        "unreadable": np.array(found.unreadable, str),
        "rate": np.array(np.nan if found.rate is None else found.rate),
    }
    write_kept(place, lambda file: np.savez(file, allow_pickle=False, **arrays))
