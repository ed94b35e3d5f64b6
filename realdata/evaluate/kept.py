"""What an unfinished evaluation keeps, so that the same command goes on where it stopped."""

import hashlib
import json
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from workbench import hosts, results
from workbench.errors import InputError

SECONDS = 5.0  # between two files
_FOLDER = ".unfinished-"


class Kept:
    """Pieces of work, each a small file beside the results, by all processes of a run.

    Args:
        out: the folder of the results.
        identity: what decides the answers, JSON-ready; another run's pieces are not seen.
        process: which of the run's processes this is.
    """

    def __init__(self, out: Path, identity: Mapping[str, Any], process: int = 0):
        name = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]
        self.out, self.folder, self.process = out, out / f"{_FOLDER}{name}", process
        self._last = time.monotonic()

    def read(self) -> Iterator[dict[str, Any]]:
        """All pieces of all processes.

        Raises:
            InputError: a piece cannot be read.
        """
        for path in sorted(self.folder.glob("*.json")):
            try:
                yield json.loads(path.read_text(encoding="utf-8"))
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
