"""The saved results that figures read, and the commands that make them."""

import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class SavedResult:
    """A result of a program of the README.

    Attributes:
        files: that must be there, relative to the folder of results; the first one names the result.
        module: of the program.
        arguments: of its command line; `{}` stands for the folder of results.
        seconds: about how long it takes on two cores.
        only: the word for `--only` of a program that makes several such results at once.
    """

    files: tuple[str, ...]
    module: str
    arguments: tuple[str, ...]
    seconds: int
    only: str | None = None

    def is_missing(self, results: Path) -> bool:
        """Whether a file of it is not there; a file that is there may still be broken."""
        return not all((results / file).exists() for file in self.files)


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
    """The same as a person types it."""
    return shlex.join(["python", *words(made, results)])


def by_program(made: Sequence[SavedResult]) -> list[tuple[SavedResult, ...]]:
    """The results, each once, with those that one run of a program makes together."""
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
DIGITS_TABLE = SavedResult(
    ("colored_digits_table/table.json",),
    "sims.colored_digits",
    ("table", "--out", "{}/colored_digits_table"),
    1400,
)


def statement(name: str) -> SavedResult:
    """The simulation of a statement of `theory/`."""
    return SavedResult((f"theorems/{name}.json",), "sims.theorems", ("--out", "{}/theorems"), 3, only=name)
