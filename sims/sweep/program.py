"""`python -m sims.sweep`: thousands of training runs over a grid of parameters, resumable, on every device."""

import argparse
import itertools
import math
import time
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
import psutil
from rich.console import Console

from sims.encoders import IMAGE_ENCODERS, TEXT_ENCODERS
from sims.objectives import OBJECTIVES
from sims.objectives.table import objectives_option
from sims.sweep.grid import CONTINUOUS, STATIC, Grid, numbers
from sims.sweep.result import Outcome, SweepResult
from sims.sweep.run import default_axes, run_sweep
from sims.synthetic.evaluation import SAMPLED_GROUPS
from sims.synthetic.sampler import CURATIONS
from sims.training.config import ContrastiveConfig
from sims.training.devices import every_core_a_device
from theory.model import CAPTIONS, Caption, SpuriousModel
from theory.names import PROMPTS
from workbench import hosts, program, results, terminal
from workbench.parameters import meanings

DEFAULT_OUT = Path("results/sweep")
_DIVERGED_SHOWN = 5
_COMBINATIONS_SHOWN = 40
_MEANINGS = meanings(SpuriousModel, Caption, ContrastiveConfig) | {
    "batch_size": "pairs in a step, fresh ones at every step",
    "steps": "optimiser steps; the weights' average over the last half is evaluated",
}


def _axis(whole: bool = False) -> Callable[[str], tuple[int | float, ...]]:
    def parse(text: str) -> tuple[int | float, ...]:
        try:
            return numbers(text, whole)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse


def _add_axis(parser: program.Parser, name: str, default: str, whole: bool) -> None:
    option = f"--{name.replace('_', '-')}"
    metavar = "N,..." if whole else "X,..."
    parser.add_argument(option, type=_axis(whole), default=default, metavar=metavar, help=_MEANINGS[name])


def build_parser() -> program.Parser:
    """The command line's options; defaults are those of the main job."""
    parser = program.Parser(
        "python -m sims.sweep",
        "Train every combination of parameters, many runs at once on every device. A parameter is a value, a list "
        "a,b,c or a range start:stop:count, both ends included. A stopped sweep goes on where it stopped.",
    )
    defaults = {name: values[0] for name, values in default_axes().items()}
    add, known = parser.add_argument, ", ".join
    add(
        "--objective",
        type=objectives_option,
        default=defaults["objective"],
        metavar="NAMES",
        help=f"losses: {known(OBJECTIVES)}, or module:function for a loss of your own",
    )
    add(
        "--caption",
        type=program.choices(CAPTIONS),
        default="latent",
        metavar="NAMES",
        help=f"what captions say: {known(CAPTIONS)}",
    )
    add(
        "--curation",
        type=program.choices(CURATIONS),
        default=CURATIONS[0],
        metavar="NAMES",
        help="of the training pairs: none, or balanced, so that all that captions say is equally frequent",
    )
    for name, table in (("image", IMAGE_ENCODERS), ("text", TEXT_ENCODERS)):
        kinds = program.choices(tuple(table))
        add(f"--{name}-encoder", type=kinds, default="linear", metavar="NAMES", help=f"{name} encoders: {known(table)}")
    for name in STATIC[5:]:
        _add_axis(parser, name, str(defaults[name]), whole=True)
    for name in CONTINUOUS:
        add(
            f"--{name.replace('_', '-')}",
            type=_axis(),
            default=str(defaults[name]),
            metavar="X",
            help=_MEANINGS[name],
        )
    add(
        "--prompt",
        type=program.choices(PROMPTS),
        default=",".join(PROMPTS),
        metavar="NAMES",
        help=f"zero-shot prompts: {known(PROMPTS)}",
    )
    add("--seeds", type=program.whole_number(1), default=8, metavar="N", help="independent runs of each combination")
    add("--seed", type=program.seed, default=0, metavar="N", help="seed of all random numbers")
    add("--out", type=program.path, default=DEFAULT_OUT, metavar="DIR", help="directory for sweep.npz and sweep.csv")
    program.add_json_option(parser)
    program.add_host_options(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    every_core_a_device()
    hosts.join(options)
    results.check_json(options.json)
    imported = time.time() - psutil.Process().create_time()
    axes = {name: getattr(options, name) for name in STATIC + CONTINUOUS}
    found = run_sweep(axes, options.prompt, options.seeds, options.seed, options.out)
    if not hosts.is_first():
        return
    content = {"axes": found.grid.axes, "seconds": {"start": imported} | found.seconds, "versions": found.versions}
    if results.emit_json(content | {"results": list(found.rows())}, options.json):
        return
    console = terminal.output()
    before = f" ({found.done_before:.0%} of them done before)" if found.done_before else ""
    console.print(
        f"{found.grid.runs} runs{before} on {jax.device_count()} devices ({jax.default_backend()}): start and imports "
        f"{imported:.1f} s, compilation {found.seconds['compile']:.1f} s, run {found.seconds['run']:.1f} s.",
        soft_wrap=True,
    )
    _show_accuracies(console, found)
    _tell_divergences(console, found.grid, found.outcome)
    console.print(f"Written to {options.out}: sweep.npz, sweep.csv", soft_wrap=True)


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
