"""The IDX files of MNIST, plain or gzipped: read whole and checked."""

import gzip
import zlib
from pathlib import Path

import numpy as np

from workbench.errors import InputError

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
