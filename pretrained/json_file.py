"""The JSON files of a checkpoint."""

import contextlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.errors import InputError


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        InputError: it is missing, or holds something else; also a number that is not finite, which JSON has none of.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_constant=_finite, parse_float=_finite)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not JSON ({error})") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: must hold a JSON object")
    return content


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text} is not finite")
    return value


@contextlib.contextmanager
def in_file(path: Path) -> Iterator[None]:
    """Say of which file it is when its content turns out wrong within.

    Raises:
        InputError: it lacks something, or holds what it may not.
    """
    try:
        yield
    except InputError as error:
        raise InputError(str(error) if str(path) in str(error) else f"{path}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise InputError(f"{path}: lacks or misspells {error}") from error
