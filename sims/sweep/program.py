"""`python -m sims.sweep`: thousands of training runs over a grid of parameters, resumable, on every device."""

import argparse
import dataclasses
import itertools
import time
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
import psutil
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from sims.encoders import IMAGE_ENCODERS, TEXT_ENCODERS
from sims.objectives import OBJECTIVES
from sims.sweep.grid import CONTINUOUS, STATIC, Grid, numbers
from sims.sweep.plan import Seconds, plan, run
from sims.sweep.store import Outcome, Store, rows
from sims.training.config import ContrastiveConfig
from sims.training.devices import every_core_a_device
from theory.model import SpuriousModel
from theory.options import MODEL_HELP
from theory.statements.captions import CAPTIONS, Caption
from theory.statements.zero_shot import PROMPTS
from workbench import hosts, program, results, terminal

DEFAULT_OUT = Path("results/sweep")
_DIVERGED_SHOWN = 5
_MEANINGS = MODEL_HELP | {
    "embed_dim": "width of the embedding",
    "batch_size": "pairs in a step, fresh ones at every step",
    "steps": "optimiser steps; the weights' average over the last half is evaluated",
    "mention_inv": "probability that a caption mentions the invariant feature, or the class",
    "mention_spu": "probability that it mentions the spurious feature, or the background",
    "learning_rate": "Adam's learning rate at the start",
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
    config, model, caption = ContrastiveConfig(steps=500), SpuriousModel(), Caption()
    add, known = parser.add_argument, ", ".join
    add(
        "--objective",
        type=program.choices(tuple(OBJECTIVES)),
        default="infonce",
        metavar="NAMES",
        help=f"losses: {known(OBJECTIVES)}",
    )
    add(
        "--caption",
        type=program.choices(CAPTIONS),
        default="latent",
        metavar="NAMES",
        help=f"what captions say: {known(CAPTIONS)}",
    )
    for name, table in (("image", IMAGE_ENCODERS), ("text", TEXT_ENCODERS)):
        kinds = program.choices(tuple(table))
        add(f"--{name}-encoder", type=kinds, default="linear", metavar="NAMES", help=f"{name} encoders: {known(table)}")
    for name in STATIC[4:]:
        default = getattr(config, name, None) or int(getattr(model, name, 0))
        _add_axis(parser, name, str(default), whole=True)
    for name in CONTINUOUS:
        source = next(owner for owner in (model, caption, config) if hasattr(owner, name))
        add(
            f"--{name.replace('_', '-')}",
            type=_axis(),
            default=str(float(getattr(source, name))),
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
    hosts.add_host_options(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    every_core_a_device()
    hosts.join(options)
    grid = Grid({name: getattr(options, name) for name in STATIC + CONTINUOUS}, options.seeds)
    sweep = plan(grid, options.prompt, options.seed)
    results.check_writable(options.out)
    results.check_json(options.json)
    store = Store(options.out, sweep.manifest())
    sweep = dataclasses.replace(sweep, layout=store.layout)
    console = terminal.output()
    imported = time.time() - psutil.Process().create_time()
    started = time.perf_counter()
    seconds = Seconds()
    chunks = len(sweep.chunks())
    share = [0.0, 0.0]
    with _progress() as display:
        task = display.add_task("runs", total=grid.runs, rate="")

        def on_progress(done: int, before: int) -> None:
            share[:] = done / chunks, before / chunks
            rate = grid.runs * (done - before) / chunks / (time.perf_counter() - started)
            display.update(task, completed=grid.runs * done / chunks, rate=f"{rate:.1f} runs/s")

        try:
            outcome = run(sweep, store, on_progress, seconds)
        except KeyboardInterrupt:
            raise KeyboardInterrupt("interrupted; the same command goes on where it stopped") from None
    if not hosts.is_first():
        return
    content = {
        "axes": grid.axes,
        "seconds": {"start": imported} | vars(seconds),
        "versions": sweep.manifest()["versions"],
    }
    if results.emit_json(content | {"results": list(rows(grid, options.prompt, outcome))}, options.json):
        return
    before = f" ({share[1]:.0%} of them done before)" if share[1] else ""
    console.print(
        f"{grid.runs} runs{before} on {jax.device_count()} devices ({jax.default_backend()}): start and imports "
        f"{imported:.1f} s, compilation {seconds.compile:.1f} s, run {seconds.run:.1f} s.",
        soft_wrap=True,
    )
    _tell_divergences(console, grid, outcome)
    console.print(f"Written to {options.out}: sweep.npz, sweep.csv", soft_wrap=True)


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
