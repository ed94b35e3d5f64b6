"""`python -m sims.contrastive`: what CLIP's objective does with a spurious feature, against theory and supervision."""

import argparse
import dataclasses
import functools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax

from sims.contrastive import comparison
from sims.contrastive import figure as contrastive_figure
from sims.contrastive import table as contrastive_table
from sims.contrastive.result import ContrastiveResult, config_dict
from sims.contrastive.verdict import compare, verdict
from sims.encoders import IMAGE_ENCODERS, TEXT_ENCODERS
from sims.objectives import DEFAULT, OBJECTIVES
from sims.training.checkpoints import SECONDS, Checkpoints
from sims.training.config import MINIMUM, ContrastiveConfig
from sims.training.loop import train
from sims.training.memory import check_memory
from sims.training.options import add_numbers
from theory.options import add_model_options, model_from_options
from theory.predictions import BATCH_FREE
from theory.report import report
from theory.statements.zero_shot import PROMPTS
from workbench import figures, hosts, program, results, terminal

DEFAULT_OUT = Path("results/contrastive")


def run(
    config: ContrastiveConfig,
    on_progress: Callable[[int, str], None] = lambda step, status: None,
    checkpoints: Checkpoints | None = None,
) -> ContrastiveResult:
    """Train all learners of a configuration, evaluate them on fresh data, and compare them with theory and each other.

    Args:
        config: what to run.
        on_progress: called now and then with the step reached and a word on how it goes.
        checkpoints: where to keep a long training, and to go on from.

    Raises:
        RunError: training diverged.
    """
    started = time.perf_counter()
    with ThreadPoolExecutor(1) as background:
        # The closed forms compile while the training program does.
        closed_forms = background.submit(
            functools.partial(report, learners=BATCH_FREE), config.model, config.embed_dim, config.prompt
        )
        training = train(config, on_progress, checkpoints)
        theory = closed_forms.result()
    # The closed forms are of linear encoders.
    predictions = theory["predictions"] if config.architecture.linear else []
    rows = comparison.tabulate(training.learners, predictions, config.prompt, float(config.model.spurious_ratio))
    device = jax.devices()[0]
    return ContrastiveResult(
        config,
        training.learners,
        rows,
        verdict(compare(training.learners, config.prompt), rows),
        _theorem62(theory, rows),
        training.seconds | {"total": time.perf_counter() - started},
        _versions() | {"device": f"{device.platform} {device.device_kind}", "devices": str(jax.device_count())},
    )


def _versions() -> dict[str, str]:
    return results.versions("jax", "jaxlib", "flax", "optax", "numpy")


def _theorem62(theory_report: dict[str, Any], rows: list[comparison.Row]) -> dict[str, Any] | None:
    bound = theory_report["printed"]["conflicting_error_bound"]
    errors = {row.learner: 1 - row.accuracy["conflicting"] for row in rows if row.prompt == "label"}
    if "linearized" not in errors or bound is None:
        return None
    return {
        "conditions_hold": theory_report["printed"]["conditions_hold"],
        "printed_error_bound": bound,
        "derived_error": theory_report["derived"]["conflicting_error"],
        "simulated_error": errors,
    }


def build_parser() -> program.Parser:
    """The command line's options; defaults are those of `ContrastiveConfig`."""
    default = ContrastiveConfig()
    parser = program.Parser(
        "python -m sims.contrastive",
        "Train image and text encoders with contrastive losses, and supervised classifiers on the same images; "
        "compare their accuracy where the spurious feature agrees with the label and where it conflicts.",
    )
    add_model_options(parser)
    group = parser.add_argument_group("training and evaluation")
    add = group.add_argument
    add(
        "--objective",
        type=program.choices(tuple(OBJECTIVES)),
        metavar="NAMES",
        help="losses to train with, separated by commas; the supervised ones are trained in any case (default: "
        f"{','.join(DEFAULT)}, of which linearized only with linear encoders)",
    )
    for name, table, reads in (("image", IMAGE_ENCODERS, "an image"), ("text", TEXT_ENCODERS, "a text")):
        add(
            f"--{name}-encoder",
            choices=tuple(table),
            default=getattr(default, f"{name}_encoder"),
            help=f"what reads {reads}",
        )
    add(
        "--prompt",
        type=program.choices(PROMPTS),
        default=",".join(default.prompt),
        metavar="NAMES",
        help="zero-shot prompts, separated by commas",
    )
    meanings = {
        "embed_dim": "width of the embedding",
        "samples": "size of each training set; 0 draws fresh samples at every step",
        "steps": "most optimiser steps",
        "batch_size": "pairs in a step",
        "seeds": "independent runs of each learner",
        "seed": "seed of all random numbers",
        "learning_rate": "Adam's learning rate at the start",
    }
    add_numbers(group, default, MINIMUM, meanings)
    parser.add_argument(
        "--out",
        type=program.path,
        default=DEFAULT_OUT,
        metavar="DIR",
        help="directory for result.json, arrays.npz and figure.png, and for a long run's checkpoints",
    )
    parser.add_argument(
        "--checkpoint-seconds",
        type=program.non_negative_number,
        default=SECONDS,
        metavar="X",
        help="seconds between checkpoints, from which the same command goes on if it was stopped",
    )
    program.add_json_option(parser)
    hosts.add_host_options(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    hosts.join(options)
    fields = [field.name for field in dataclasses.fields(ContrastiveConfig) if field.name != "model"]
    config = ContrastiveConfig(model_from_options(options), **{name: getattr(options, name) for name in fields})
    results.check_writable(options.out)
    results.check_json(options.json)
    check_memory(config)
    made_by = _versions() | {"platform": jax.default_backend()}
    identity = results.plain(config_dict(config) | {"versions": made_by})
    checkpoints = Checkpoints(options.out / "checkpoints", identity, options.checkpoint_seconds)
    with terminal.progress() as display:
        task = display.add_task("training steps", total=config.steps, status="")
        result = hosts.together(
            lambda: run(config, lambda step, status: display.update(task, completed=step, status=status), checkpoints)
        )
    if hosts.is_first():
        _write(result, options)
    checkpoints.remove()


def _write(result: ContrastiveResult, options: argparse.Namespace) -> None:
    started = time.perf_counter()
    content = result.to_dict()
    figure = figures.to_png(contrastive_figure.draw(content, result.arrays()))
    result.seconds["figure"] = time.perf_counter() - started
    content = result.to_dict()
    results.write_files(
        options.out,
        {
            "arrays.npz": results.to_npz(result.arrays()),
            "figure.png": figure,
            "result.json": results.to_json(content),
        },
    )
    if not results.emit_json(content, options.json):
        contrastive_table.show(result, options.out)
