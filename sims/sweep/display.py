"""What a sweep prints."""

import itertools
import math
from pathlib import Path

import jax
import numpy as np
from rich.console import Console

from sims.sweep.grid import Grid
from sims.sweep.result import Outcome, SweepResult
from sims.synthetic.evaluation import SAMPLED_GROUPS
from workbench import terminal

_DIVERGED_SHOWN = 5
_COMBINATIONS_SHOWN = 40


def show(found: SweepResult, imported: float, out: Path) -> None:
    """Print how long it took, the accuracies if they are few, what diverged, and where the files are.

    Args:
        found: the sweep's result.
        imported: seconds from the process's start until the sweep began.
        out: where the files are.
    """
    console = terminal.output()
    before = f" ({found.done_before:.0%} of them done before)" if found.done_before else ""
    console.print(
        f"{found.grid.runs} runs{before} on {jax.device_count()} devices ({jax.default_backend()}): start and imports "
        f"{imported:.1f} s, compilation {found.seconds['compile']:.1f} s, run {found.seconds['run']:.1f} s.",
        soft_wrap=True,
    )
    _show_accuracies(console, found)
    _tell_divergences(console, found.grid, found.outcome)
    console.print(f"Written to {out}: sweep.npz, sweep.csv", soft_wrap=True)


def _show_accuracies(console: Console, found: SweepResult) -> None:
    """A line for each combination, if they fit on a screen: mean and standard error over the runs, each prompt."""
    grid, seeds = found.grid, found.grid.seeds
    combinations = grid.runs // seeds
    if combinations > _COMBINATIONS_SHOWN:
        return
    varying = [name for name, values in grid.axes.items() if len(values) > 1 or name == "objective"]
    places = [list(grid.axes).index(name) for name in varying]
    headings = [f"{group}\n{prompt}" for prompt in found.prompts for group in SAMPLED_GROUPS]
    table = terminal.table("Accuracy (%), mean ± standard error over runs", [*varying, *headings], overflow="fold")
    accuracies = 100 * found.outcome.accuracies.reshape(combinations, seeds, len(headings))
    points = itertools.islice(grid.points(), 0, None, seeds)
    for point, of_runs in zip(points, accuracies, strict=True):
        means = of_runs.mean(axis=0)
        errors = of_runs.std(axis=0, ddof=1) / math.sqrt(seeds) if seeds > 1 else np.full(len(headings), np.nan)
        cells = [
            f"{mean:.1f}" + ("" if np.isnan(error) else f" ± {error:.1f}")
            for mean, error in zip(means, errors, strict=True)
        ]
        table.add_row(
            *(f"{point[place]:g}" if isinstance(point[place], float) else str(point[place]) for place in places), *cells
        )
    console.print(table)


def _tell_divergences(console: Console, grid: Grid, outcome: Outcome) -> None:
    diverged = outcome.diverged.ravel()
    if not diverged.any():
        return
    varying = [index for index, values in enumerate(grid.axes.values()) if len(values) > 1]
    names = [*grid.axes, "seed"]
    console.print(f"{np.count_nonzero(diverged)} runs diverged; their accuracies are NaN:", soft_wrap=True)
    points = ((point, step) for point, step in zip(grid.points(), diverged, strict=True) if step)
    for point, step in itertools.islice(points, _DIVERGED_SHOWN):
        where = ", ".join(f"{names[index]} {point[index]}" for index in [*varying, len(names) - 1])
        console.print(f"  {where}: at step {step}", soft_wrap=True)
    console.print("All are in the column diverged_step. A smaller --learning-rate may help.", soft_wrap=True)
