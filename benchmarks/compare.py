"""`python -m benchmarks.compare`: this package and PyTorch at the same work, in turns, each in a process of its own.

Every figure is the median over the rounds; a round runs every side once. "Cold" has an empty compilation cache,
"again" the one that the round before left. PyTorch keeps its own cache where it always does.
"""

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.work import Large, Row, Sweep, large_options, row_options, sweep_options, write_noise
from workbench import results


class Side(NamedTuple):
    """One side of a comparison.

    Attributes:
        name: in the table.
        command: module and arguments.
        seconds: from its output to the seconds of import, compile and run.
        cold: whether the compilation cache is emptied before.
    """

    name: str
    command: list[str]
    seconds: Callable[[str], dict[str, float]]
    cold: bool = False


def _of_json(output: str) -> dict[str, float]:
    return json.loads(output)["seconds"]


def seconds_of_sweep(output: str) -> dict[str, float]:
    """Seconds of import, compile and run, as `sims.sweep` prints them."""
    found = re.search(r"imports ([\d.]+) s, compilation ([\d.]+) s, run ([\d.]+) s", output)
    assert found, output
    return dict(zip(("import", "compile", "run"), map(float, found.groups()), strict=True))


def _of_main_job(output: str) -> dict[str, float]:
    seconds = json.loads(output)["seconds"]
    return {"compile": seconds["compile"], "run": seconds["train"]}


def _sides(work: str, scratch: Path) -> list[Side]:
    if work == "digits":
        ours, peer = (
            f"sims.colored_digits {row_options(Row(), scratch)}".split(),
            ["benchmarks.pytorch_digits", str(scratch)],
        )
        ways = {
            "eager": ["--grouped"],
            "eager, channels last": ["--grouped", "--channels-last"],
            "compiled": ["--compile", "--grouped"],
            "compiled, products of patches": ["--compile"],
        }
        return [
            Side("JAX, cold", ours, _of_main_job, cold=True),
            Side("JAX, again", ours, _of_main_job),
            *(Side(f"PyTorch, {name}", [*peer, *words], _of_json) for name, words in ways.items()),
        ]
    if work == "sweep":
        ours = f"sims.sweep {sweep_options(Sweep())}"
        reads, peer = seconds_of_sweep, "benchmarks.pytorch_sweep"
    else:
        ours = f"sims.contrastive {large_options(Large())}"
        reads, peer = _of_main_job, "benchmarks.pytorch_large"
    return [
        Side("JAX, cold", ours.split(), reads, cold=True),
        Side("JAX, again", ours.split(), reads),
        Side("PyTorch, eager", [peer], _of_json),
        Side("PyTorch, compiled", [peer, "--compile"], _of_json),
        *([Side("PyTorch, eager, logsumexp", [peer, "--logsumexp"], _of_json)] if work == "sweep" else []),
    ]


def _run(side: Side, scratch: Path) -> dict[str, float]:
    """Seconds of the whole process and its parts, and gigabytes at its peak."""
    cache = scratch / "cache"
    if side.cold:
        shutil.rmtree(cache, ignore_errors=True)
    environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": str(cache)}
    command = [sys.executable, "-m", *side.command]
    if side.command[0].startswith("sims."):
        command += ["--out", tempfile.mkdtemp(dir=scratch)]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as process:
        assert process.stdout is not None
        output = process.stdout.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    whole = time.perf_counter() - began
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed with exit code {process.returncode}")
    return {"whole": whole, **side.seconds(output), "gigabytes": usage.ru_maxrss / 1e6}


def compare(work: str, rounds: int) -> dict[str, Any]:
    """Medians of every side, and the seconds of every round."""
    measured: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        if work == "digits":
            write_noise(Path(scratch), Row())
        for number in range(rounds):
            for side in _sides(work, Path(scratch)):
                measured.setdefault(side.name, []).append(_run(side, Path(scratch)))
                print(f"{work} {number + 1}/{rounds} {side.name}: {measured[side.name][-1]}", file=sys.stderr)
    medians = {
        name: {key: statistics.median(row[key] for row in rows) for key in rows[0]} for name, rows in measured.items()
    }
    return {"work": work, "medians": medians, "rounds": measured}


def table(medians: dict[str, dict[str, float]]) -> str:
    """Markdown: seconds, and how many times as long as this package's fastest."""
    lines = [
        "| | whole process, s | import | compile | run | whole / JAX cold | run / JAX run | peak GB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in medians.items():
        cells = [f"{row['whole']:.1f}"]
        cells += [f"{row[key]:.1f}" if key in row else "" for key in ("import", "compile", "run")]
        cells += [
            f"{row['whole'] / medians['JAX, cold']['whole']:.2f}",
            f"{row['run'] / medians['JAX, again']['run']:.2f}",
        ]
        lines.append(f"| {name} | {' | '.join(cells)} | {row['gigabytes']:.1f} |")
    return "\n".join(lines)


def main() -> None:
    """Run the comparison, print its table, and keep every round."""
    parser = argparse.ArgumentParser("python -m benchmarks.compare", description=__doc__)
    parser.add_argument("work", choices=("sweep", "large", "digits"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks"), metavar="DIR")
    options = parser.parse_args()
    found = compare(options.work, options.rounds)
    machine = {"machine": platform.machine(), "cores": str(len(os.sched_getaffinity(0)))}
    found["versions"] = results.versions("jax", "jaxlib", "torch") | machine
    results.write_files(options.out, {f"{options.work}.json": results.to_json(found)})
    print(table(found["medians"]))


if __name__ == "__main__":
    main()
