"""Scores of a model that was run elsewhere, in any framework: `--scores FILE.npz`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from realdata.evaluate.scoring import Answers, join_pieces
from realdata.evaluate.ties import answer
from realdata.photos.folders import Photo
from workbench.errors import InputError


class Scores(NamedTuple):
    """The content of a file of scores.

    Attributes:
        paths: the photos' paths within the folder of class folders, with `/`.
        scores: a row for each photo, a column for each candidate; the higher, the likelier; -inf excludes a candidate.
        candidates: the candidates' class indices.
    """

    paths: list[str]
    scores: Float[np.ndarray, "photos candidates"]
    candidates: list[int]


def read_scores(path: Path, names: Mapping[int, str]) -> Scores:
    """Read the arrays `paths`, `scores` and `candidates` from an .npz file, without pickled objects.

    Args:
        path: the file.
        names: class index to name.

    Raises:
        InputError: the file cannot be read, lacks an array, or has wrong shapes, NaN, or a path or candidate twice.
    """
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise ValueError("it holds one array without a name")
            arrays = dict(archive)
    except FileNotFoundError as error:
        raise InputError(f"`scores`: {path}: no such file") from error
    except Exception as error:  # NumPy and zipfile raise a dozen kinds
        raise InputError(f"`scores`: {path}: cannot be read as .npz without pickled objects ({error})") from error
    for name in ("paths", "scores", "candidates"):
        if name not in arrays:
            raise InputError(f"`scores`: {path}: lacks the array {name!r}, holds {', '.join(arrays) or 'none'}")
    paths, scores, candidates = (arrays[name] for name in ("paths", "scores", "candidates"))
    wanted = (len(paths) if paths.ndim else 0, len(candidates) if candidates.ndim else 0)
    if scores.shape != wanted or paths.ndim != 1 or candidates.ndim != 1:
        raise InputError(
            f"`scores`: {path}: scores must have a row for each path and a column for each candidate, {wanted}, got "
            f"{scores.shape}"
        )
    if paths.dtype.kind not in "US" or scores.dtype.kind != "f" or candidates.dtype.kind not in "iu":
        kinds = ", ".join(f"{name} {arrays[name].dtype}" for name in ("paths", "scores", "candidates"))
        raise InputError(f"`scores`: {path}: must be text paths, floating scores and whole candidates, got {kinds}")
    if not scores.size:
        raise InputError(f"`scores`: {path}: holds no scores, but an array of shape {scores.shape}")
    try:
        words = [part.decode() if isinstance(part, bytes) else str(part) for part in paths.tolist()]
        "".join(words).encode()
    except UnicodeError as error:
        raise InputError(f"`scores`: {path}: a path is not text in UTF-8 ({error})") from error
    if len(set(words)) < len(words):
        twice = next(word for number, word in enumerate(words) if word in words[:number])
        raise InputError(f"`scores`: {path}: the path {twice} occurs twice")
    if len(set(candidates.tolist())) < len(candidates):
        raise InputError(f"`scores`: {path}: a candidate occurs twice")
    if unknown := sorted(set(candidates.tolist()) - names.keys()):
        raise InputError(f"`scores`: {path}: the candidate {unknown[0]} is not an index of `names`")
    values = scores.astype(float)
    bad = np.isnan(values) | (values == np.inf)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise InputError(
            f"`scores`: {path}: the score of {words[row]} for candidate {candidates[column]} is {values[row, column]}"
        )
    return Scores(words, values, candidates.tolist())


def answers_from_scores(
    scores: Scores, path: Path, photos: Sequence[Photo], allowed: Mapping[int, Bool[np.ndarray, " candidates"]]
) -> tuple[Answers, list[str]]:
    """The answers that follow from scores; and notes on photos without scores, and on scores without a photo.

    Args:
        scores: the scores.
        path: their file, for messages.
        photos: all photos.
        allowed: class index to a mask of its photos' candidates.

    Raises:
        InputError: no photo has scores, or a photo has no score for any of its candidates.
    """
    rows = {name: row for row, name in enumerate(scores.paths)}
    found = [photo for photo in photos if photo.path in rows]
    if not found:
        raise InputError(
            f"`scores`: {path}: holds no photo of `data`, by path relative to it; it begins with {scores.paths[0]!r}"
        )
    answers, places = {}, {index: place for place, index in enumerate(scores.candidates)}
    for photo in found:
        values = np.where(allowed[photo.class_index], scores.scores[rows[photo.path]], -np.inf)
        if values.max() == -np.inf:
            raise InputError(f"`scores`: {path}: {photo.path} has no score for any of its candidates")
        answers[photo.path] = answer(values, places.get(photo.class_index))
    warnings = []
    if missing := [photo.path for photo in photos if photo.path not in rows]:
        warnings.append(f"left out, since they have no scores: {len(missing)} of the photos, first {missing[0]}")
    if foreign := sorted(set(scores.paths) - {photo.path for photo in photos}):
        warnings.append(f"scores of no photo: {len(foreign)}, first {foreign[0]}")
    return join_pieces(photos, scores.candidates, [{"answers": answers, "unreadable": {}}]), warnings
