"""`--compute`: run the programs whose saved results are missing."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from paper_figs.saved_result import SavedResult, by_program, command, words
from workbench import terminal
from workbench.errors import RunError
from workbench.interruption import Interruption

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
        told = False
        try:
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=_LOOK)
                if interruption.wanted and not told:
                    process.send_signal(signal.SIGINT)  # it keeps what it has and ends by itself
                    told = True
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
