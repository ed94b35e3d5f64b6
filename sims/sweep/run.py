"""A sweep from its axes to its result, with its progress on a terminal."""

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from sims.objectives import OBJECTIVES, find_objective
from sims.sweep.grid import Grid, default_axes
from sims.sweep.plan import Seconds, plan, run
from sims.sweep.result import Store, SweepResult
from theory.model import SpuriousModel
from workbench import hosts, results, terminal
from workbench.errors import ParameterError


def run_sweep(
    axes: Mapping[str, Any],
    prompts: tuple[str, ...],
    seeds: int,
    seed: int,
    out: Path | None = None,
    model: SpuriousModel | None = None,
) -> SweepResult:
    """Train every combination of the axes' values.

    Args:
        axes: name to values, those of `STATIC` and `CONTINUOUS`; an axis that is not given has its default.
        prompts: zero-shot prompts to evaluate with.
        seeds: independent runs of each combination.
        seed: of all random numbers.
        out: a folder for sweep.npz and sweep.csv, and for what is done, so that a stopped sweep goes on; nothing is
            written unless it is given.
        model: where the parameters come from that are no axis.

    Raises:
        ParameterError: an unknown axis, or a value outside its domain.
        InputError: it does not fit in memory, or the folder cannot be written or holds another sweep.
        KeyboardInterrupt: it was interrupted; what was done is kept in the folder, if there is one.
    """
    every = default_axes(model)
    for name in axes:
        if name not in every:
            raise ParameterError("axes", f"among {', '.join(every)}", name)
    objectives = [find_objective(objective) for objective in axes.get("objective", every["objective"])]
    own = tuple(objective for objective in objectives if objective.name not in OBJECTIVES)
    given = {name: _values(name, values, every[name][0]) for name, values in axes.items() if name != "objective"}
    given["objective"] = tuple(objective.name for objective in objectives)
    sweep = plan(Grid({name: given.get(name, every[name]) for name in every}, seeds), prompts, seed, own=own)
    store = None
    if out is not None:
        results.check_writable(out)
        store = Store(out, sweep.manifest())
        sweep = dataclasses.replace(sweep, layout=store.layout)
    seconds, runs, chunks = Seconds(), sweep.grid.runs, len(sweep.chunks())
    began, already = time.perf_counter(), 0
    with _progress() as display:
        task = display.add_task("runs", total=runs, rate="")

        def on_progress(done: int, before: int) -> None:
            nonlocal already
            already = before
            rate = runs * (done - before) / chunks / (time.perf_counter() - began)
            display.update(task, completed=runs * done / chunks, rate=f"{rate:.1f} runs/s")

        try:
            outcome = run(sweep, store, on_progress, seconds)
        except KeyboardInterrupt:
            kept = "" if store is None else "; the same command goes on where it stopped"
            raise KeyboardInterrupt(f"interrupted{kept}") from None
    found = SweepResult(sweep.grid, prompts, outcome, vars(seconds), already / chunks, sweep.manifest()["versions"])
    if store is not None and hosts.is_first():
        store.assemble(found.arrays(), found.to_csv())
    return found


def _values(name: str, values: Any, default: Any) -> tuple[Any, ...]:
    """An axis's values as Python's own numbers or words, each once."""
    listed = [values] if isinstance(values, str) or np.ndim(values) == 0 else list(values)
    found = listed if isinstance(default, str) else [type(default)(value) for value in listed]
    if found != listed and isinstance(default, int):
        raise ParameterError(name, "whole numbers", listed)
    if not found or len(set(found)) < len(found):
        raise ParameterError(name, "one value or more, each once", found or "none")
    return tuple(found)


def _progress() -> Progress:
    """Runs done, rate and time left, on a terminal."""
    display = terminal.progress()
    display.columns = (
        TextColumn("{task.completed:>6.0f}/{task.total:.0f} runs"),
        BarColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    return display
