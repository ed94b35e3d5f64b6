"""Handwritten digits to paint: scikit-learn's, which come with the package, or MNIST's IDX files, plain or gzipped."""

import argparse
import gzip
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from workbench import program
from workbench.errors import InputError, ParameterError

_UNSIGNED_BYTE = 0x08  # the type of MNIST's entries


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """Read an IDX file of unsigned bytes: two zero bytes, the type, the number of dimensions, sizes, entries.

    Args:
        path: the file.
        dimensions: how many it must have.

    Raises:
        InputError: it is missing, is of another kind, or is longer or shorter than its header says.
    """
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except FileNotFoundError as error:
        raise InputError(f"`digits`: {path}: no such file") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"`digits`: {path}: is a truncated or damaged gzip file ({error})") from error
    magic = bytes((0, 0, _UNSIGNED_BYTE, dimensions))
    if content[:4] != magic:
        raise InputError(
            f"`digits`: {path}: must begin with the bytes {magic.hex(' ')} of an IDX file of {dimensions} dimensions, "
            f"begins with {content[:4].hex(' ') or 'nothing'}"
        )
    start = 4 + 4 * dimensions
    sizes = np.frombuffer(content[4:start], ">u4") if len(content) >= start else np.zeros(0, np.uint32)
    expected = start + int(np.prod(sizes.astype(np.int64)))
    if len(sizes) < dimensions or len(content) != expected:
        raise InputError(f"`digits`: {path}: has {len(content)} bytes where its header says {expected}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(sizes.astype(int))


SCIKIT_LEARN, MNIST = "scikit-learn digits", "MNIST"
MOST_CLASSES = 10
MNIST_TRAINING = 50_000  # the first of MNIST's 60,000, which give the sample sizes of Table 8
_FOLD = 3  # every third of scikit-learn's digits is for testing
_FILES = {"train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")}
_FILES["test"] = tuple(name.replace("train", "t10k") for name in _FILES["train"])  # type: ignore[assignment]


class Split(NamedTuple):
    """Grey images of digits: 0 is paper, 1 is ink."""

    images: Float[np.ndarray, "size height width"]
    labels: Int[np.ndarray, " size"]


class Digits(NamedTuple):
    """Digits to train and to test on, and where they come from (`SCIKIT_LEARN` or `MNIST`)."""

    train: Split
    test: Split
    source: str


def add_digits_option(parser: argparse._ActionsContainer) -> None:
    """Add the option that names MNIST's files."""
    parser.add_argument(
        "--digits",
        type=program.path,
        metavar="DIR",
        help="folder with MNIST's four IDX files, plain or .gz (default: scikit-learn's digits, which need none)",
    )


def read_digits(classes: int, folder: Path | None = None) -> Digits:
    """Digits 0 to `classes` - 1.

    Args:
        classes: how many digits, from 0 on.
        folder: with MNIST's four IDX files, plain or gzipped (`.gz`); scikit-learn's digits unless given. The first
            50,000 training images are used, as for the published numbers.

    Raises:
        ParameterError: fewer than two classes, or more than there are digits.
        InputError: a file is missing or wrong, or one of the digits has no image.
    """
    if not 2 <= classes <= MOST_CLASSES:
        raise ParameterError("classes", f"from 2 to {MOST_CLASSES}, as there are ten digits", classes)
    if folder is None:
        images, labels = _scikit_learn()
        test = np.arange(len(labels)) % _FOLD == 0
        parts = {"train": (images[~test], labels[~test]), "test": (images[test], labels[test])}
    elif not folder.is_dir():
        raise InputError(f"`digits`: {folder} is no directory")
    else:
        parts = {part: _mnist(folder, part) for part in _FILES}
    wanted = {part: _of_classes(Split(*found), classes, part) for part, found in parts.items()}
    shapes = {part.images.shape[1:] for part in wanted.values()}
    if len(shapes) > 1:
        raise InputError(f"`digits`: {folder}: training and test images differ in size: {sorted(shapes)}")
    return Digits(**wanted, source=SCIKIT_LEARN if folder is None else MNIST)


def _of_classes(split: Split, classes: int, part: str) -> Split:
    missing = sorted(set(range(classes)) - set(split.labels.tolist()))
    if missing:
        raise InputError(f"`digits`: the {part} files hold no image of the digit {missing[0]}; reduce `classes`")
    kept = split.labels < classes
    return Split(split.images[kept], split.labels[kept])


def _scikit_learn() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits  # here, since it takes a second that a wrong option need not wait for

    data = load_digits()
    # In the order of the digits, so that every third of them is a third of each.
    order = np.argsort(data.target, kind="stable")
    return (data.images[order] / 16.0).astype(np.float32), data.target[order].astype(np.int32)


def _mnist(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    paths = [
        next((path for path in _file_names(folder, name) if path.exists()), folder / name) for name in _FILES[part]
    ]
    images, labels = read_idx(paths[0], 3), read_idx(paths[1], 1)
    if len(images) != len(labels):
        raise InputError(f"`digits`: {paths[0]} holds {len(images)} images and {paths[1]} {len(labels)} labels")
    if labels.max(initial=0) >= MOST_CLASSES:
        raise InputError(f"`digits`: {paths[1]}: a label must be from 0 to 9, got {labels.max()}")
    used = slice(MNIST_TRAINING if part == "train" else None)
    return images[used].astype(np.float32) / 255.0, labels[used].astype(np.int32)


def _file_names(folder: Path, name: str) -> tuple[Path, ...]:
    # Some copies spell train-images.idx3-ubyte.
    return tuple(folder / (spelt + end) for spelt in (name, name.replace("-idx", ".idx")) for end in ("", ".gz"))
