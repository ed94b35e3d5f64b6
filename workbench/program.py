"""The shell around a program: its parser, its exit codes, its one-line errors."""

import argparse
import contextlib
import importlib
import math
import os
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import NoReturn

from workbench.errors import InputError, LostProcessError, ParameterError, RunError
from workbench.kept import keep_compiled

# A program's own name, and the one by which its user has called it.
_CALLED: ContextVar[tuple[str, str]] = ContextVar("called", default=("", ""))


@contextlib.contextmanager
def called(prog: str, name: str) -> Iterator[None]:
    """Within it, messages and help of the program `prog` call it `name`."""
    token = _CALLED.set((prog, name))
    try:
        yield
    finally:
        _CALLED.reset(token)


def _name(prog: str) -> str:
    """What messages call a program, or a part of one."""
    own, name = _CALLED.get()
    return name + prog[len(own) :] if own and f"{prog} ".startswith(f"{own} ") else prog


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Adds the default to an option's help, if it has one."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        # Not `in (None, False)`, since 0 == False.
        without = action.default is None or action.default is False or action.default == []
        return action.help if without else super()._get_help_string(action)


class Parser(argparse.ArgumentParser):
    """An argument parser that answers wrong input with one line and exit code 2."""

    def __init__(self, prog: str, description: str, epilog: str | None = None):
        super().__init__(
            prog=_name(prog),
            description=description,
            epilog=epilog,
            formatter_class=_HelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        """Print the message on one line and leave with exit code 2."""
        self.exit(2, f"{self.prog}: {message.removeprefix('argument ')}\n")


def run(
    parser: argparse.ArgumentParser, program: Callable[[argparse.Namespace], None], arguments: Sequence[str] | None
) -> int:
    """Run a program's body on the parsed arguments and turn its errors into one line and an exit code.

    Args:
        parser: the parser of the arguments.
        program: the body, which takes the options. It imports what it computes with, so that nobody waits for that who
            asks for `--help`, or has mistyped an option.
        arguments: the arguments; by default those of the command line.

    Returns:
        0 on success, 1 for a `RunError` (at once for a `LostProcessError`), 2 for wrong input or a file that cannot be
        read or written, 130 for an interruption.
    """
    words = sys.argv[1:] if arguments is None else arguments
    _refuse_unknown_options(parser, words)
    options = parser.parse_args(words)
    keep_compiled()
    try:
        program(options)
        sys.stdout.flush()
        return 0
    except ParameterError as error:
        return _fail(parser, 2, f"`{error.name}`: {error.requirement}")
    except InputError as error:
        return _fail(parser, 2, str(error))
    except LostProcessError as error:
        _fail(parser, 1, str(error))
        sys.stderr.flush()
        os._exit(1)
    except RunError as error:
        return _fail(parser, 1, str(error))
    except BrokenPipeError:
        # The reader of our output, such as `head`, has ended; there is nobody to print to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _fail(parser, 2, f"{error.filename or 'output'}: {error.strerror or error}")
    except KeyboardInterrupt as interrupt:
        return _fail(parser, 130, str(interrupt) or "interrupted")


def choose(
    prog: str, programs: Mapping[str, str], arguments: Sequence[str] | None = None, default: str | None = None
) -> int:
    """Run one of several programs, named by the first word, and return its exit code.

    Only that program is imported, so that each loads only the packages that it needs.

    Args:
        prog: the common name of the programs.
        programs: word to module; the module has a `main`.
        arguments: the arguments; by default those of the command line.
        default: the module for a command line that is empty or begins with an option.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    named = bool(words) and not words[0].startswith("-")
    module = programs.get(words[0]) if named else default
    if module is None:
        wants_help = words[:1] == ["--help"] or words[:1] == ["-h"]
        print(
            f"{_name(prog)}: must be followed by {' or '.join(programs)}"
            + ("; each has its own --help" if wants_help or not named else f", got {words[0]}"),
            file=sys.stdout if wants_help else sys.stderr,
        )
        return 0 if wants_help else 2
    return start(prog, module, words[1:] if named else words)


def start(prog: str, module: str, arguments: Sequence[str] | None = None) -> int:
    """Run a module's `main` and return its exit code; Ctrl-C during the import ends in one line too.

    Args:
        prog: the program's name.
        module: the module with its `main`.
        arguments: the arguments; by default those of the command line.
    """
    try:
        main: Callable[[list[str] | None], int] = importlib.import_module(module).main
    except KeyboardInterrupt:
        print(f"{_name(prog)}: interrupted", file=sys.stderr)
        return 130
    return main(None if arguments is None else list(arguments))


def _refuse_unknown_options(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    """Refuse an option that does not exist; argparse alone would complain about the word after it."""
    for word in words:
        option = word.partition("=")[0]
        if word.startswith("--") and option != "--" and option not in parser._option_string_actions:
            parser.error(f"{option}: no such option; --help lists all options")


def with_options(message: str, known: Collection[str] | None = None) -> str:
    """A message that names parameters, like `seeds`, as options, like --seeds.

    Args:
        message: the message.
        known: the options that there are; any unless given. Other parameters keep their names.
    """

    def option(match: re.Match[str]) -> str:
        words = f"--{match[1].replace('_', '-')}"
        return words if known is None or words in known else match[1]

    return re.sub(r"`([a-z_]+)`", option, message)


def _fail(parser: argparse.ArgumentParser, code: int, message: str) -> int:
    print(f"{parser.prog}: {with_options(message, parser._option_string_actions)}", file=sys.stderr)
    return code


def whole_number(minimum: int) -> Callable[[str], int]:
    """An option's type: a whole number of at least `minimum`."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = minimum - 1
        if value < minimum:
            raise argparse.ArgumentTypeError(f"must be a whole number of at least {minimum}, got {text}")
        return value

    return parse


def seed(text: str) -> int:
    """An option's type: a seed that JAX takes."""
    value = whole_number(0)(text)
    if value >= 2**32:
        raise argparse.ArgumentTypeError(f"must be below {2**32}, got {text}")
    return value


def number(text: str) -> float:
    """An option's type: a finite number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"must be a number, got {text}")
    return value


def positive_number(text: str) -> float:
    """An option's type: a number above 0."""
    value = number(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text}")
    return value


def non_negative_number(text: str) -> float:
    """An option's type: a number of at least 0."""
    value = number(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"must be a number of at least 0, got {text}")
    return value


def share(text: str) -> float:
    """An option's type: a number from 0 to 1."""
    value = number(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1, got {text}")
    return value


def path(text: str) -> Path:
    """An option's type: a path, not empty."""
    if not text:
        raise argparse.ArgumentTypeError("must be a path, got nothing")
    return Path(text)


def choices(allowed: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """An option's type: one or more of the allowed words, separated by commas."""

    def parse(text: str) -> tuple[str, ...]:
        words = tuple(dict.fromkeys(text.split(",")))
        for word in words:
            if word not in allowed:
                raise argparse.ArgumentTypeError(f"must be among {', '.join(allowed)}, got {word or 'nothing'}")
        return words

    return parse


def add_out_option(parser: argparse.ArgumentParser, default: Path, holds: str) -> None:
    """Add `--out DIR`, the folder that a program writes to.

    Args:
        parser: of the program.
        default: the folder unless another is given.
        holds: what is written there, for the help.
    """
    parser.add_argument("--out", type=path, default=default, metavar="DIR", help=holds)


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Add `--json FILE`."""
    parser.add_argument(
        "--json",
        metavar="FILE",
        type=path,
        default=None,
        help="also write the result as JSON to this file; - prints it, and nothing else, on standard output",
    )


def add_host_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that join several processes, for `workbench.hosts.join`."""
    group = parser.add_argument_group(
        "many hosts", "start the same command once on each host (or for each GPU); --out is a folder that all share"
    )
    group.add_argument(
        "--distributed",
        action="store_true",
        help="join the processes of this job, as JAX finds them under SLURM, Open MPI, Kubernetes or on a Cloud TPU",
    )
    group.add_argument("--coordinator", metavar="HOST:PORT", help="or: where process 0 listens, the same for all")
    group.add_argument("--processes", type=whole_number(1), metavar="N", help="and how many there are")
    group.add_argument("--process", type=whole_number(0), metavar="I", help="and which one this is, from 0")
