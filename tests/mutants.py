"""Proof that the tests bite: `python -m tests.mutants` plants the faults of `mutant_table` one by one.

Each is planted in a copy of the checkout, where the default tests that concern the file must fail. Exit code 0 if all
faults were seen, 1 if one survived or its tests could not be run, 2 for wrong input.
"""

import concurrent.futures
import importlib.metadata
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from realdata.photos.decoding import processor_count
from tests.mutant_table import MUTANTS, Mutant
from workbench.program import Parser, whole_number

ROOT = Path(__file__).parent.parent
CAUGHT, SURVIVED, BROKEN = "caught", "SURVIVED", "BROKEN"
_TESTS_FAILED = 1  # pytest's exit code; others mean that the tests were not run, or all passed
# A fault that ends so changes no number: any test at all would see it. Checkers of types raise errors of their own.
_CRASH = re.compile(r"(Name|UnboundLocal|Attribute|Import|ModuleNotFound|Type)Error|TypeCheckError|Beartype\w+")
_SECONDS = 300
_COMPILED = ROOT / ".pytest_cache" / "d" / f"compiled-by-jax-{importlib.metadata.version('jax')}"


class Outcome(NamedTuple):
    """What the tests said of a mutant: a verdict, the first test that failed or what went wrong, and seconds."""

    verdict: str
    by: str
    seconds: float


def fault_in(mutant: Mutant, root: Path = ROOT) -> str | None:
    """What is wrong with an entry of the table, or None."""
    path = root / mutant.file
    if not path.exists():
        return f"{mutant.file}: no such file"
    found = [line.strip() for line in path.read_text().splitlines()].count(mutant.line)
    if found != 1:
        return f"{mutant.file}: must hold the line of {mutant.fault!r} once, and holds it {found} times"
    missing = [test for test in mutant.tests if not _is_there(root, test)]
    return f"{missing[0]}: no such test, of {mutant.fault!r}" if missing else None


def _is_there(root: Path, test: str) -> bool:
    name, _, function = test.partition("::")
    path = root / name
    return path.exists() and (not function or f"def {function.partition('[')[0]}(" in path.read_text())


def planted(text: str, mutant: Mutant) -> str:
    """A file's text with the fault."""
    lines = text.splitlines(keepends=True)
    (place,) = (number for number, line in enumerate(lines) if line.strip() == mutant.line)
    lines[place] = lines[place].replace(mutant.line, mutant.becomes)
    return "".join(lines)


def copied(folder: Path) -> Path:
    """The checkout's files as they are now, without what git ignores."""
    options = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(["git", *options], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def run_tests(folder: Path, tests: tuple[str, ...], workers: int = 0, most: int = _SECONDS) -> Outcome:
    """Run tests in a copy until the first fails, for at most so many seconds."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", str(workers), "-p", "no:cacheprovider"]
    command += ["-m", "not slow", *tests]
    # The checkout's own folder of compiled programs: what a fault does not touch is not compiled again.
    kept = {"JAX_COMPILATION_CACHE_DIR": str(_COMPILED)}
    kept |= {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    started = time.monotonic()
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | kept | {"PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            timeout=most,
        )
    except subprocess.TimeoutExpired:
        return Outcome(BROKEN, f"no end within {most} s", time.monotonic() - started)
    seconds = time.monotonic() - started
    if done.returncode == 0:
        return Outcome(SURVIVED, "", seconds)
    failed = re.search(r"^FAILED (\S+)", done.stdout, re.MULTILINE)
    if done.returncode == _TESTS_FAILED and failed:
        # Where it was raised, as pytest ends a traceback: `FILE:LINE: NAME`.
        raised = re.findall(r"^\S+:\d+: (\w+)$", done.stdout, re.MULTILINE)
        if raised and _CRASH.match(raised[-1]):
            return Outcome(BROKEN, f"{raised[-1]} in {failed.group(1)}", seconds)
        return Outcome(CAUGHT, failed.group(1), seconds)
    return Outcome(BROKEN, (done.stdout + done.stderr).strip().rpartition("\n")[2], seconds)


def run_mutant(folder: Path, mutant: Mutant) -> Outcome:
    """Plant one fault in a copy, run its tests, and take it out again."""
    path = folder / mutant.file
    right = path.read_text()
    path.write_text(planted(right, mutant))
    try:
        return run_tests(folder, mutant.tests)
    finally:
        path.write_text(right)


def run_all(mutants: list[Mutant], jobs: int, console: Console) -> dict[Mutant, Outcome]:
    """Run mutants in that many copies side by side, and tell each outcome as it comes."""
    outcomes: dict[Mutant, Outcome] = {}
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        copies: queue.Queue[Path] = queue.Queue()
        for number in range(jobs):
            copies.put(copied(Path(place) / str(number)))
        every = tuple(dict.fromkeys(test for mutant in mutants for test in mutant.tests))
        console.print(f"Without a fault: {len(every)} tests and files of tests ...")
        first = copies.get()
        sound = run_tests(first, every, jobs, 6 * _SECONDS)
        copies.put(first)
        if sound.verdict != SURVIVED:
            console.print(f"They must pass, and do not: {sound.by}", soft_wrap=True)
            return dict.fromkeys(mutants, Outcome(BROKEN, "its tests fail without it", sound.seconds))

        def one(mutant: Mutant) -> Outcome:
            folder = copies.get()
            try:
                return run_mutant(folder, mutant)
            finally:
                copies.put(folder)

        pool = concurrent.futures.ThreadPoolExecutor(jobs)
        running = {pool.submit(one, mutant): mutant for mutant in mutants}
        try:
            for done in concurrent.futures.as_completed(running):
                mutant = running[done]
                verdict, by, seconds = outcomes[mutant] = done.result()
                count = f"{len(outcomes):>3}/{len(mutants)}"
                console.print(
                    f"{count} {verdict:<8} {seconds:4.0f} s  {mutant.file}: {mutant.fault}"
                    + (f" ({by.rpartition('/')[2]})" if by else ""),
                    soft_wrap=True,
                    markup=False,
                    highlight=False,
                )
        finally:
            pool.shutdown(cancel_futures=True)  # of an interruption, before the copies go
    return outcomes


def summary(outcomes: dict[Mutant, Outcome]) -> Table | None:
    """What was not caught, file by file; None where all was."""
    left = [(mutant, of) for mutant, of in outcomes.items() if of.verdict != CAUGHT]
    if not left:
        return None
    table = Table("not caught", "file", "fault", "tests, or what went wrong")
    for mutant, of in sorted(left, key=lambda pair: (pair[0].file, pair[0].fault)):
        table.add_row(of.verdict, mutant.file, mutant.fault, of.by or "\n".join(mutant.tests))
    return table


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    parser = Parser("python -m tests.mutants", __doc__)
    parser.add_argument("--only", metavar="TEXT", help="faults whose file or description has this in it (default: all)")
    parser.add_argument("--jobs", metavar="N", type=whole_number(1), default=processor_count(), help="side by side")
    parser.add_argument("--list", action="store_true", help="list the faults, and run nothing")
    options = parser.parse_args(arguments)
    asked = (options.only or "").lower()
    chosen = [mutant for mutant in MUTANTS if asked in f"{mutant.file} {mutant.fault}".lower()]
    wrong = next(filter(None, map(fault_in, chosen)), None)
    if not chosen:
        wrong = f"--only: no fault has {options.only!r}; --list shows all"
    if wrong:
        print(f"{parser.prog}: {wrong}", file=sys.stderr)
        return 2
    console = Console()
    if options.list:
        for mutant in chosen:
            console.print(f"{mutant.file}: {mutant.fault}", soft_wrap=True, markup=False, highlight=False)
        return 0
    try:
        outcomes = run_all(chosen, options.jobs, console)
    except KeyboardInterrupt:
        print(f"{parser.prog}: interrupted", file=sys.stderr)
        return 130
    counts = {verdict: [of.verdict for of in outcomes.values()].count(verdict) for verdict in (SURVIVED, BROKEN)}
    caught = len(outcomes) - sum(counts.values())
    if (table := summary(outcomes)) is not None:
        console.print(table)
    console.print(f"{len(outcomes)} faults: {caught} caught, {counts[SURVIVED]} survived, {counts[BROKEN]} broken")
    return 0 if caught == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
