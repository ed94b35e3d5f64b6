"""`python -m sims.sweep`: thousands of training runs over a grid of parameters, resumable, on every device."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from sims.names import CURATIONS, IMAGE_ENCODERS, OBJECTIVE_NAMES, TEXT_ENCODERS
from sims.sweep.grid import CONTINUOUS, STATIC, default_axes, numbers
from sims.training.config import ContrastiveConfig, objectives_option
from theory.model import CAPTIONS, Caption, SpuriousModel
from theory.names import PROMPTS
from workbench import program, results
from workbench.parameters import meanings

DEFAULT_OUT = Path("results/sweep")
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
        help=f"losses: {known(OBJECTIVE_NAMES)}, or module:function for a loss of your own",
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
    from sims.sweep.display import show
    from sims.sweep.run import run_sweep
    from sims.training.devices import every_core_a_device
    from workbench import hosts

    every_core_a_device()
    hosts.join(options)
    results.check_json(options.json)
    imported = time.time() - psutil.Process().create_time()
    axes = {name: getattr(options, name) for name in STATIC + CONTINUOUS}
    found = run_sweep(axes, options.prompt, options.seeds, options.seed, options.out)
    if not hosts.is_first():
        return
    content = {"axes": found.grid.axes, "seconds": {"start": imported} | found.seconds, "versions": found.versions}
    if not results.emit_json(content | {"results": list(found.rows())}, options.json):
        show(found, imported, options.out)
