"""`python -m paper_figs`: draw the figures from saved results and the published tables."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import jax
from matplotlib.figure import Figure

from paper_figs import (
    colored_digits,
    contrastive,
    digits_reliance,
    effective_robustness,
    reliance,
    reliance_classes,
    reliance_models,
)
from paper_figs.statement import load
from paper_figs.statements.table import STATEMENT_FIGURES
from published.tables import read_published_tables
from workbench import program, results, terminal
from workbench.errors import InputError
from workbench.figures import to_png

# Name to what it shows and how it is drawn, given the folder of results.
FIGURES: dict[str, tuple[str, Callable[[Path], Figure]]] = {
    "contrastive": ("the main job: accuracy by group, and on the way there", contrastive.draw),
    "colored_digits": ("Table 8 on coloured digits: every learner in every row", colored_digits.draw),
    "digits_reliance": (
        "theory against pictures: how far learners of digits lean on colour",
        digits_reliance.draw,
    ),
    "effective_robustness": (
        "claim C2: CLIPs against the line through ImageNet models",
        lambda folder: effective_robustness.draw(read_published_tables()),
    ),
    "reliance": (
        "S19 on published accuracies: index of spurious reliance",
        lambda folder: reliance.draw(read_published_tables()),
    ),
    "reliance_classes": (
        "S19 class by class: index, intercept and shift",
        lambda folder: reliance_classes.draw(read_published_tables()),
    ),
    "reliance_models": (
        "each model's index of spurious reliance, ranked",
        lambda folder: reliance_models.draw(read_published_tables()),
    ),
}


def _of_statement(name: str) -> Callable[[Path], Figure]:
    def draw(folder: Path) -> Figure:
        evidence = load(folder, name)
        # Quadratures need double precision.
        with jax.enable_x64(True):
            try:
                return STATEMENT_FIGURES[name][1](evidence)
            except KeyError as error:  # a panel or series that this version draws
                raise InputError(
                    f"{folder / 'theorems' / name}.json is of another version and lacks {error}; make it again with: "
                    f"python -m sims.theorems --only {name} --out {folder / 'theorems'}"
                ) from error

    return draw


FIGURES |= {name: (caption, _of_statement(name)) for name, (caption, _) in STATEMENT_FIGURES.items()}


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser("python -m paper_figs", "Draw the figures from saved results and the published tables.")
    parser.add_argument("--list", action="store_true", help="name the figures and draw none")
    parser.add_argument(
        "--only",
        type=program.choices(tuple(FIGURES)),
        default=",".join(FIGURES),
        metavar="NAMES",
        help="figures, separated by commas",
    )
    parser.add_argument(
        "--results", type=program.path, default=Path("results"), metavar="DIR", help="folder of saved results"
    )
    parser.add_argument(
        "--out", type=program.path, default=Path("results/figures"), metavar="DIR", help="directory for the figures"
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    console = terminal.output()
    if options.list:
        for name, (caption, _) in FIGURES.items():
            console.print(f"{name}: {caption}")
        return
    drawn = {}
    with terminal.progress() as display:
        task = display.add_task("figures", total=len(options.only), status="")
        for name in options.only:
            display.update(task, status=name)
            drawn[f"{name}.png"] = to_png(FIGURES[name][1](options.results))
            display.advance(task)
    results.write_files(options.out, drawn)
    console.print(f"Written to {options.out}: {', '.join(drawn)}", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
