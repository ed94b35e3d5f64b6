"""The saved results that figures read, where they are, and the programs that make them."""

import contextlib
import dataclasses
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import TypeAlias

from workbench import terminal
from workbench.errors import InputError, RunError
from workbench.interruption import Interruption

# Of an installed package, else of a checkout. From these a figure is drawn where the user's folder lacks its result.
_INSTALLED = Path(__file__).resolve().parent / "shipped"
SHIPPED = _INSTALLED if _INSTALLED.is_dir() else _INSTALLED.parents[1] / "docs" / "results"


@dataclasses.dataclass(frozen=True)
class SavedResult:
    """A result that a program of ours makes.

    Attributes:
        files: that must be there, relative to the folder of results; the first one names the result.
        module: of the program.
        arguments: of its command line; `{}` stands for the folder of results.
        seconds: about how long it takes on two cores.
        only: the word for `--only` of a program that makes several such results at once.
        exact: whether it is without random draws, and so the same bytes each time.
    """

    files: tuple[str, ...]
    module: str
    arguments: tuple[str, ...]
    seconds: int
    only: str | None = None
    exact: bool = False

    def is_missing(self, results: Path) -> bool:
        """Whether one of its files is missing; a file that is there may still be broken."""
        return not all((results / file).exists() for file in self.files)

    def folder(self, results: Path) -> Path:
        """The folder that it is read from: `results`, or that of the shipped results where it is missing there."""
        return SHIPPED if self.is_missing(results) and not self.is_missing(SHIPPED) else results

    def is_to_be_made(self, results: Path) -> bool:
        """Whether it is missing in `results`, or no more than a copy of the shipped result, as the page's files are."""
        if self.is_missing(results):
            return True
        return (
            not self.exact
            and results.resolve() != SHIPPED
            and all(
                (SHIPPED / file).exists() and (SHIPPED / file).read_bytes() == (results / file).read_bytes()
                for file in self.files
            )
        )


# JSON pointers into a result to the type of what must stand there. `*` stands for each item of a list or an object;
# a part that ends in `?` may be null, and nothing below it is then required.
Shape: TypeAlias = Mapping[str, type | UnionType]


def check_shape(content: object, shape: Shape, file: str | Path, remedy: str) -> None:
    """Check that a result holds what this version reads of it.

    Args:
        content: of the file.
        shape: what must be there.
        file: for the message.
        remedy: how to make the file again, as the end of a sentence.

    Raises:
        InputError: a value is missing or of another type; the first one is named.
    """
    for pattern, kind in shape.items():
        missing = _missing(content, pattern.split("/")[1:], kind, "")
        if missing is not None:
            key = missing.rpartition("/")[2]
            raise InputError(f"{file}: is of another version, it lacks or misuses {key!r} at {missing}; {remedy}")


def _missing(content: object, parts: list[str], kind: type | UnionType, pointer: str) -> str | None:
    """The pointer to the first value that is not as it should be; None where there is none."""
    if not parts:
        return None if isinstance(content, kind) else pointer
    part, rest = parts[0].removesuffix("?"), parts[1:]
    if part == "*" and isinstance(content, list | dict):
        items = content.items() if isinstance(content, dict) else enumerate(content)
        found = (_missing(item, rest, kind, f"{pointer}/{key}") for key, item in items)
        return next((place for place in found if place is not None), None)
    if not isinstance(content, dict) or part not in content:
        return f"{pointer}/{part}"
    if parts[0].endswith("?") and content[part] is None:
        return None
    return _missing(content[part], rest, kind, f"{pointer}/{part}")


def words(made: Sequence[SavedResult], results: Path) -> list[str]:
    """The command line, after the interpreter, that makes results of one program.

    Args:
        made: with the same module and arguments.
        results: folder of results.
    """
    names = [result.only for result in made if result.only is not None]
    arguments = [word.replace("{}", str(results)) for word in made[0].arguments]
    return ["-m", made[0].module, *(["--only", ",".join(names)] if names else []), *arguments]


def command(made: Sequence[SavedResult], results: Path) -> str:
    """The command line that makes results of one program, as a person types it."""
    return shlex.join(["python", *words(made, results)])


def by_program(made: Sequence[SavedResult]) -> list[tuple[SavedResult, ...]]:
    """Group results by the run of a program that makes them; each result occurs once."""
    together: dict[tuple[str, tuple[str, ...]], dict[SavedResult, None]] = {}
    for result in made:
        together.setdefault((result.module, result.arguments), {})[result] = None
    return [tuple(group) for group in together.values()]


MAIN_JOB = SavedResult(
    ("contrastive/result.json", "contrastive/arrays.npz"),
    "sims.contrastive",
    ("--spurious-ratio", "0.9", "--out", "{}/contrastive"),
    15,
)
VERDICT_MAP = SavedResult(("map.json",), "theory", ("map", "--json", "{}/map.json"), 10)
EXPLORER = SavedResult(("explorer.json",), "theory", ("series", "--json", "{}/explorer.json"), 300)
DIGITS_TABLE = SavedResult(
    ("colored_digits_table/table.json",),
    "sims.colored_digits",
    ("table", "--out", "{}/colored_digits_table"),
    1400,
)
REPAIRS = SavedResult(("repairs/result.json",), "sims.repairs", ("--spurious-ratio", "0.9", "--out", "{}/repairs"), 40)
DIGITS_REPAIRS = SavedResult(
    ("repairs_digits/result.json",),
    "sims.repairs",
    ("digits", "--seeds", "8", "--mention-spu", "0.5,0,1", "--out", "{}/repairs_digits"),
    300,
)


def statement(name: str) -> SavedResult:
    """The saved simulation of a statement of `theory/`."""
    return SavedResult((f"theorems/{name}.json",), "sims.theorems", ("--out", "{}/theorems"), 3, only=name)


def closed_forms(name: str) -> SavedResult:
    """The saved curves of a statement of `theory/`, which its figure draws as lines."""
    return SavedResult(
        (f"curves/{name}.json",), "paper_figs.statements", ("--out", "{}/curves"), 10, only=name, exact=True
    )


_LOOK = 0.2  # seconds between looks at whether to stop


def compute(missing: Sequence[SavedResult], results: Path) -> None:
    """Make results, the quickest first, each by its own program in a process of its own.

    What a program had finished stays when it is interrupted, and the same command goes on from there.

    Args:
        missing: the results.
        results: folder that they go to.

    Raises:
        RunError: a program failed, which has said why.
        KeyboardInterrupt: it was interrupted.
    """
    programs = sorted(by_program(missing), key=_seconds)
    console = terminal.output()
    console.print(f"To be made first, in about {_duration(sum(map(_seconds, programs)))} on two cores:", soft_wrap=True)
    for made in programs:
        console.print(f"  {command(made, results)} (about {_duration(_seconds(made))})", soft_wrap=True, markup=False)
    for made in programs:
        sys.stdout.flush()
        _run(made, results)
        console.print(f"Made {', '.join(result.files[0] for result in made)}", soft_wrap=True)


def _run(made: Sequence[SavedResult], results: Path) -> None:
    # A process of its own: the table of coloured digits sets up JAX's devices in its own way. Its progress and
    # complaints are for this program's reader, its tables are not. A group of its own: a wish to stop reaches it once.
    with (
        Interruption() as interruption,
        subprocess.Popen(
            [sys.executable, *words(made, results)], stdout=subprocess.DEVNULL, process_group=0
        ) as process,
    ):
        asked_to_stop = False
        try:
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=_LOOK)
                if interruption.wanted and not asked_to_stop:
                    process.send_signal(signal.SIGINT)  # it keeps what it has and ends by itself
                    asked_to_stop = True
        finally:
            process.kill()
    if interruption.wanted:
        raise KeyboardInterrupt("interrupted; the same command goes on with what is missing")
    if process.returncode:
        raise RunError(f"{command(made, results)} failed")


def _seconds(made: Sequence[SavedResult]) -> int:
    return sum(result.seconds for result in made)


def _duration(seconds: int) -> str:
    return f"{seconds} s" if seconds < 90 else f"{round(seconds / 60)} minutes"
