"""`python -m realdata.evaluate`: a model on photos in CounterAnimal's layout, as the paper evaluates it."""

import argparse
import shlex

from realdata.evaluate import table
from realdata.evaluate.options import build_parser, config_from_options
from realdata.evaluate.predictions import FILE
from realdata.evaluate.result import Evaluation
from realdata.evaluate.run import run
from realdata.photos.class_names import IMAGENET
from workbench import hosts, program, results, terminal


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    hosts.join(options)
    config = config_from_options(options)
    results.check_json(options.json)
    evaluation = run(config, options.out)
    if not hosts.is_first() or results.emit_json(evaluation.summary, options.json):
        return
    if config.uncurated:
        _show_uncurated(evaluation, options)
        return
    table.show(evaluation.summary)
    terminal.output().print(f"Written to {options.out}: {', '.join(evaluation.files)}", soft_wrap=True)


def _show_uncurated(evaluation: Evaluation, options: argparse.Namespace) -> None:
    content, console = evaluation.summary, terminal.output()
    console.print(f"{content['accuracy_unbalanced']:.2f}% of {content['photos']} photos are right.")
    table.show_left_out(content)
    place = options.out / FILE
    names = "" if options.names == IMAGENET else f" --names {shlex.quote(options.names)}"
    following = f"python -m realdata.curate --predictions {shlex.quote(str(place))}{names}"
    console.print(f"Written: {place}. Next: {following}", soft_wrap=True)
