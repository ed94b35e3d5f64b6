"""MNIST's files are read as they are, plain or gzipped, and a wrong one is told."""

import gzip
import struct

import numpy as np
import pytest

from sims.colored_digits.digits import read_digits, read_idx
from workbench.errors import InputError

NAMES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def idx_bytes(array):
    """The format by its definition: 0, 0, type 8, number of dimensions, big-endian sizes, entries."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_mnist(folder, zipped=False, size=8, counts=(60, 30)):
    """Made digits in MNIST's four files; returns what they hold."""
    generator = np.random.default_rng(0)
    held = {}
    for (part, names), count in zip(NAMES.items(), counts, strict=True):
        labels = np.arange(count, dtype=np.uint8) % 3
        images = generator.integers(0, 256, (count, size, size), dtype=np.uint8)
        held[part] = images, labels
        for name, array in zip(names, (images, labels), strict=True):
            content = idx_bytes(array)
            (folder / (name + ".gz" * zipped)).write_bytes(gzip.compress(content) if zipped else content)
    return held


@pytest.mark.parametrize("zipped", [False, True])
def test_digits_are_those_of_the_files(tmp_path, zipped):
    held = write_mnist(tmp_path, zipped)
    digits = read_digits(2, tmp_path)
    for part, (images, labels) in held.items():
        split = getattr(digits, part)
        np.testing.assert_array_equal(split.labels, labels[labels < 2])
        np.testing.assert_allclose(split.images, images[labels < 2] / 255.0, rtol=1e-6)
    assert digits.source == "MNIST"


def test_scikit_learns_digits_are_split_class_by_class():
    digits = read_digits(10)
    for split, share in ((digits.train, 2 / 3), (digits.test, 1 / 3)):
        assert len(split.labels) == pytest.approx(1797 * share, abs=1)
        assert np.bincount(split.labels).min() >= 0.9 * len(split.labels) / 10
    seen = {image.tobytes() for image in digits.train.images}
    assert not any(image.tobytes() in seen for image in digits.test.images)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda content: content[:-1], "bytes where its header says"),
        (lambda content: content + b"\0", "bytes where its header says"),
        (lambda content: content[:6], "bytes where its header says"),
        (lambda content: b"", "nothing"),
        (lambda content: b"\0\0\x08\x01" + content[4:], "00 00 08 03"),
        (lambda content: gzip.compress(content)[:-9], "truncated or damaged"),
        (lambda content: gzip.compress(content)[:60] + b"xxxx" + gzip.compress(content)[64:], "truncated or damaged"),
    ],
)
def test_a_wrong_file_is_told(tmp_path, change, words):
    path = tmp_path / "images"
    array = np.random.default_rng(0).integers(0, 256, (5, 4, 4), dtype=np.uint8)
    path.write_bytes(change(idx_bytes(array)))
    with pytest.raises(InputError, match=words):
        read_idx(path, 3)


def test_missing_files_and_counts_that_differ_are_told(tmp_path):
    with pytest.raises(InputError, match="train-images-idx3-ubyte: no such file"):
        read_digits(2, tmp_path)
    write_mnist(tmp_path)
    (tmp_path / NAMES["train"][1]).write_bytes(idx_bytes(np.zeros(59, np.uint8)))
    with pytest.raises(InputError, match=r"holds 60 images and .* 59 labels"):
        read_digits(2, tmp_path)
    (tmp_path / NAMES["train"][1]).write_bytes(idx_bytes(np.full(60, 10, np.uint8)))
    with pytest.raises(InputError, match="a label must be from 0 to 9, got 10"):
        read_digits(2, tmp_path)
    write_mnist(tmp_path)
    with pytest.raises(InputError, match="no image of the digit 3"):
        read_digits(5, tmp_path)
