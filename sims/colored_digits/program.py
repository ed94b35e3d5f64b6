"""`python -m sims.colored_digits`: one row of Table 8, contrastive against supervised on the same images."""

import argparse
from pathlib import Path

import numpy as np

from sims.colored_digits.config import DigitsConfig, add_training_options
from sims.colored_digits.design import Design
from workbench import program, results, terminal
from workbench.parameters import add_options, from_options

DEFAULT_OUT = Path("results/colored_digits")


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser(
        "python -m sims.colored_digits",
        "MultiColoredMNIST: train contrastive and supervised learners on the same coloured digits, and compare their "
        "accuracy where the colours are random (Rand) and reversed (Rev).",
        "Also: `python -m sims.colored_digits table` runs all of Table 8, and `... export` writes images and a "
        "trained CLIP for realdata.evaluate; each has its own --help.",
    )
    add_options(parser.add_argument_group("the images"), Design)
    add_training_options(parser)
    program.add_out_option(parser, DEFAULT_OUT, "directory for result.json, arrays.npz and figure.png")
    program.add_json_option(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    from sims.colored_digits import display
    from sims.colored_digits.accuracy import GROUPS
    from sims.colored_digits.digits import read_digits
    from sims.colored_digits.linear_theory import reliance
    from sims.colored_digits.result import against_published, bayes, equivalence, learner_rows
    from sims.colored_digits.run import config_dict, describe_digits, identity, made_by, run
    from sims.training.checkpoints import Checkpoints
    from sims.training.devices import every_core_a_device

    config = from_options(DigitsConfig, options, design=from_options(Design, options))
    results.check_writable(options.out)
    results.check_json(options.json)
    with terminal.spinner("reading the digits"):
        digits = read_digits(config.design.classes, options.digits)
    every_core_a_device()
    checkpoints = Checkpoints(options.out / "checkpoints", identity(config, digits))
    with terminal.progress() as progress:
        task = progress.add_task("training steps", total=config.steps, status="")
        row, seconds = run(
            config, digits, lambda step, status: progress.update(task, completed=step, status=status), checkpoints
        )
    content = {
        "config": config_dict(config),
        "digits": describe_digits(digits),
        "results": learner_rows(row),
        "equivalence": equivalence([row], options.margin),
        "bayes": bayes(config.design),
        "published": against_published(row, digits.source),
        "reliance": reliance(row, config, digits),
        "seconds": seconds,
        "versions": made_by(),
    }
    results.write_files(
        options.out,
        {
            "arrays.npz": results.to_npz(row.accuracies | {"groups": np.array(GROUPS)}),
            "figure.png": results.to_png(display.draw(content)),
            "result.json": results.to_json(content),
        },
    )
    checkpoints.remove()
    if not results.emit_json(content, options.json):
        display.show(content)
        terminal.output().print(f"Written to {options.out}: figure.png, result.json, arrays.npz", soft_wrap=True)
