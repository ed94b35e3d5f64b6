"""The JSON files of a checkpoint."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.errors import InputError


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        InputError: it is missing, or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except ValueError as error:
        raise InputError(f"{path}: is not JSON ({error})") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: must hold a JSON object")
    return content


@contextlib.contextmanager
def told_of(path: Path) -> Iterator[None]:
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
