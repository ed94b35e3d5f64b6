"""`python -m realdata.curate`: the paper's selection of photos by one model's accuracy, and what its drop is worth."""

import argparse
from pathlib import Path

from published.directory import DIRECTORY
from realdata.curate.config import CurationConfig
from realdata.photos.options import add_class_options
from workbench import program, results, terminal
from workbench.errors import InputError
from workbench.parameters import add_options, from_options

DEFAULT_OUT = Path("results/curate")


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser(
        "python -m realdata.curate",
        "Select photos as CounterAnimal's were: of each class the background on which a model is right most often "
        "(common) and the one on which it is least often (counter). Choosing by accuracy makes a drop appear by "
        "chance; this says how much of it is, overall and for each class, and what is left. Or ask the published "
        "tables what the selecting model's own drop owes to its selection.",
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--predictions",
        type=program.path,
        metavar="FILE",
        help="CSV table with path (within ROOT) and predicted_index or correct, such as realdata.evaluate's "
        "predictions.csv; without --photos, class_index and background too",
    )
    source.add_argument(
        "--published",
        type=program.path,
        nargs="?",
        const=DIRECTORY,
        metavar="DIR",
        help="the selecting model among the published ones instead; DIR: a folder of tables to read for our own",
    )
    add = parser.add_argument
    add("--photos", type=program.path, metavar="ROOT", help="folder of photos, <class>/<background>/*.jpg")
    add_class_options(parser)
    add_options(parser, CurationConfig)
    program.add_out_option(
        parser, DEFAULT_OUT, "for selection.csv, photos.csv, curation.json and curation.png; --published writes none"
    )
    program.add_json_option(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    results.check_json(options.json)
    if options.published is None:
        _curate(options)
        return
    if options.photos is not None:
        raise InputError(f"--photos: {options.photos} cannot go with --published, which has no photos")
    from realdata.curate import display
    from realdata.curate.selector_excess import evaluate_selector

    content = evaluate_selector(options.published, options.seed)
    if not results.emit_json(content, options.json):
        display.show_selector(content)


def _curate(options: argparse.Namespace) -> None:
    from realdata.curate import display
    from realdata.curate.curation import count_steps, curate_predictions

    config = from_options(CurationConfig, options)
    results.check_writable(options.out)
    with terminal.progress() as progress:
        task = progress.add_task("splits, shuffles", total=count_steps(config), status="")
        content, selection, kept = curate_predictions(
            options.predictions,
            options.photos,
            options.names,
            options.classes,
            config,
            lambda done: progress.advance(task, done),
        )
    results.write_files(
        options.out,
        {
            "selection.csv": selection.to_csv(index=False, lineterminator="\n"),
            "photos.csv": kept.to_csv(index=False, lineterminator="\n"),
            "curation.json": results.to_json(content),
            "curation.png": results.to_png(display.draw(content)),
        },
    )
    if not results.emit_json(content, options.json):
        display.show(content)
        terminal.output().print(
            f"Written to {options.out}: selection.csv, photos.csv, curation.json, curation.png", soft_wrap=True
        )
