"""`python -m benchmarks.cost`: how the seconds of a sweep grow with its runs, its steps and its seeds.

Each size is run in turns with the others, every one as a process of its own; the table has medians of the seconds that
the compiled programs took, and those seconds over the number of training steps of all runs.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile

from benchmarks.compare import seconds_of_sweep
from benchmarks.work import Sweep, sweep_options

# Ratios, seeds and steps: each of the three doubled and doubled again from the same start.
SIZES = [(11, 8, 250), (22, 8, 250), (44, 8, 250), (11, 16, 250), (11, 32, 250), (11, 8, 500), (11, 8, 1000)]


def _seconds(ratios: int, seeds: int, steps: int) -> float:
    work = Sweep(ratios=(0.5, 1.0, ratios), seeds=seeds, steps=steps)
    command = f"-m sims.sweep {sweep_options(work)}".split()
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([sys.executable, *command, "--out", folder], capture_output=True, text=True, check=True)
    return seconds_of_sweep(done.stdout)["run"]


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser("python -m benchmarks.cost", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    taken = {size: [] for size in SIZES}
    for _ in range(rounds):
        for size in SIZES:
            taken[size].append(_seconds(*size))
    print("| ratios | seeds | steps | run, s | microseconds per training step |\n|---|---|---|---|---|")
    for (ratios, seeds, steps), seconds in taken.items():
        median = statistics.median(seconds)
        print(f"| {ratios} | {seeds} | {steps} | {median:.2f} | {1e6 * median / (ratios * seeds * steps):.1f} |")


if __name__ == "__main__":
    main()
