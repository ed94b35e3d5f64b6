"""Files of results: written whole or not at all, read with one-line errors, with the versions that made them."""

import errno
import io
import json
import math
import sys
import tempfile
from collections.abc import Collection, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import InputError

if TYPE_CHECKING:  # only programs that draw import Matplotlib
    from matplotlib.figure import Figure


def to_json(data: Mapping[str, Any], indent: int | None = 2) -> str:
    """JSON text, on one line if `indent` is None; numbers that are not finite are refused: JSON does not have them."""
    return json.dumps(data, indent=indent, allow_nan=False) + "\n"


def read_json(path: Path, holds: str = "JSON object", remedy: str = "", keys: Collection[str] = ()) -> dict[str, Any]:
    """Read a file with a JSON object.

    Args:
        path: the file.
        holds: what it should hold, for the message.
        remedy: what the user can do, as the end of the message.
        keys: keys that the object must have.

    Raises:
        InputError: the file is missing or cannot be read, or holds anything else, such as a number that is not finite.
    """
    end = f"; {remedy}" if remedy else ""
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_constant=_finite, parse_float=_finite)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"{path} is missing{end}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} holds no {holds} ({error}){end}") from error
    if not isinstance(content, dict) or not content.keys() >= set(keys):
        raise InputError(f"{path} holds no {holds}{end}")
    return content


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text} is not finite")
    return value


def as_read_back(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data as it would be read back from a JSON file: lists in place of tuples, and so on."""
    return json.loads(to_json(data))


def to_npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The bytes of a NumPy archive without pickled objects."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


_IDENTITY = "identity"  # the entry of an archive with what decides its numbers


def to_own_npz(arrays: Mapping[str, np.ndarray], identity: Mapping[str, Any]) -> bytes:
    """The bytes of a NumPy archive that also holds what decides its numbers, for `read_own_npz`."""
    return to_npz(dict(arrays) | {_IDENTITY: np.array(json.dumps(identity))})


def read_own_npz(
    path: Path, identity: Mapping[str, Any], otherwise: str, names: Collection[str] = ()
) -> dict[str, np.ndarray] | None:
    """The arrays of an archive that an earlier, stopped run of the same command has written; None if there is none.

    Args:
        path: the file.
        identity: what decides its numbers, as read back from JSON.
        otherwise: what a file that is no such archive may be, for the message.
        names: the arrays that there must be, no more and no fewer; any unless given.

    Raises:
        InputError: the file is another run's, or cannot be read; it is left as it is.
    """
    if not path.exists():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = dict(archive)
        found = json.loads(str(arrays.pop(_IDENTITY)))
        if names and arrays.keys() != set(names):
            raise ValueError(f"it holds {', '.join(arrays)}")
    except Exception as error:  # NumPy and zipfile raise a dozen kinds on a truncated file
        raise InputError(f"{path} is truncated or {otherwise}; delete it to run it again") from error
    differing = [key for key in identity if found.get(key) != identity[key]]
    if differing:
        raise InputError(f"{path} was made by another run (different: {', '.join(differing)}); choose another `out`")
    return arrays


def to_png(figure: "Figure") -> bytes:
    """A figure as PNG, the same bytes for the same figure."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
    return buffer.getvalue()


def to_pdf(figure: "Figure") -> bytes:
    """A figure as PDF with its text as text, the same bytes for the same figure."""
    import matplotlib

    buffer = io.BytesIO()
    # Type 42: whole outlines, which can be searched and edited; some publishers refuse Type 3.
    with matplotlib.rc_context({"pdf.fonttype": 42}):
        figure.savefig(
            buffer, format="pdf", dpi=150, metadata={"CreationDate": None, "Creator": None, "Producer": None}
        )
    return buffer.getvalue()


def emit_json(data: Mapping[str, Any], target: Path | None) -> bool:
    """Write JSON to the file of `--json`, if there is one.

    Returns:
        Whether the JSON went to standard output, so that nothing else may be printed there.

    Raises:
        InputError: the file cannot be written.
    """
    if target is None:
        return False
    if str(target) == "-":
        sys.stdout.write(to_json(data))
        return True
    if target.is_symlink():
        target = target.resolve()
    if target.exists() and not target.is_file():  # a pipe or a device, which must not be replaced
        try:
            target.write_text(to_json(data), encoding="utf-8")
        except OSError as error:
            raise InputError(f"`json`: {target} cannot be written: {error.strerror}") from error
    else:
        write_files(target.parent, {target.name: to_json(data)}, option="`json`")
    return False


def check_writable(directory: Path, option: str = "`out`") -> None:
    """Check, before long work, that files can be written to a directory; leaves nothing there.

    Raises:
        InputError: the directory cannot be made or written to.
    """
    existing = directory
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        raise InputError(f"{option}: {directory} cannot be written, since {existing} is not a directory")
    try:
        tempfile.TemporaryDirectory(dir=existing, prefix=".writing-").cleanup()
    except OSError as error:
        raise InputError(
            f"{option}: {directory} cannot be written ({error.strerror}); choose a directory that you may write to"
        ) from error


def path_inside(directory: Path, name: str, option: str = "`out`") -> Path:
    """A path in a directory of results; no link may lead out of the directory.

    Raises:
        InputError: the path is a link to another place, so that other files than results would be read or written.
    """
    place = directory / name
    if not place.resolve().is_relative_to(directory.resolve()):
        raise InputError(f"{option}: {place} is a link that leads out of {directory}; remove it")
    return place


def check_json(target: Path | None) -> None:
    """Check, before long work, that the file of `--json` can be written; leaves nothing there.

    Raises:
        InputError: the file is a directory, or its directory cannot be written to.
    """
    if target is not None and str(target) != "-":
        if target.is_dir():
            raise InputError(f"`json`: {target} is a directory; name a file, or - for standard output")
        check_writable(target.parent, "`json`")


def write_files(directory: Path, contents: Mapping[str, str | bytes], option: str = "`out`") -> None:
    """Write files into a directory, which is made if it is missing: first under other names, then renamed in order.

    Raises:
        InputError: the directory or a file cannot be written; older files then stay as they are.
    """
    check_writable(directory, option)
    target = directory
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory, prefix=".writing-") as beside:
            for name, content in contents.items():
                target = directory / name
                if target.is_dir():
                    raise IsADirectoryError(errno.EISDIR, "it is a directory")
                data = content.encode() if isinstance(content, str) else content
                (Path(beside) / name).write_bytes(data)
            for name in contents:
                target = directory / name
                (Path(beside) / name).replace(target)
    except OSError as error:
        raise InputError(f"{option}: {target} cannot be written: {error.strerror}") from error


def check_new_folder(directory: Path, option: str = "`out`") -> None:
    """Check, before long work, that a folder of many files can be made; leaves nothing there.

    Raises:
        InputError: the folder is not empty, or cannot be written.
    """
    check_writable(directory, option)
    if directory.exists() and any(directory.iterdir()):
        raise InputError(f"{option}: {directory} is not empty; choose a new folder")


def write_folder(directory: Path, contents: Iterable[tuple[str, str | bytes]], option: str = "`out`") -> None:
    """Write a new folder of files, all of them or nothing; a name with `/` makes folders inside.

    Args:
        directory: the folder, new or empty.
        contents: names and contents; an iterator may make them one by one.
        option: the option that names the folder, for messages.

    Raises:
        InputError: the folder is not empty, or a file cannot be written.
    """
    check_new_folder(directory, option)
    target = directory
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".writing-") as beside:
            whole = Path(beside) / directory.name
            for name, content in contents:
                target = directory / name
                (whole / name).parent.mkdir(parents=True, exist_ok=True)
                (whole / name).write_bytes(content.encode() if isinstance(content, str) else content)
            whole.replace(directory)
    except OSError as error:
        raise InputError(f"{option}: {target} cannot be written: {error.strerror}") from error


def versions(*packages: str) -> dict[str, str]:
    """The running Python's version and those of the named packages."""
    return {"python": sys.version.split()[0]} | {package: version(package) for package in packages}
