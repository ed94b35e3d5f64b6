"""`python -m sims.repairs digits`: zero-shot repairs on CLIPs with a text encoder, trained on coloured digits."""

import argparse
import dataclasses
from pathlib import Path

from sims.colored_digits.design import CAPTIONED, Design
from sims.colored_digits.digits import add_digits_option
from sims.repairs.digits.config import DigitsRepairConfig
from sims.repairs.digits.result import AGREES, DigitsRepairResult, DigitsRow
from sims.repairs.digits.run import run
from sims.repairs.digits.shares import MOMENTS, PLACES
from theory.repair_rules import PLAIN
from workbench import program, results, terminal
from workbench.conventions import GROUPS
from workbench.parameters import add_options, from_options

DEFAULT_OUT = Path("results/repairs_digits")


def build_parser() -> program.Parser:
    """The command line's options; defaults are those of `DigitsRepairConfig`."""
    parser = program.Parser(
        "python -m sims.repairs digits",
        "Train small CLIPs with a text encoder on captioned digits on coloured backgrounds, repair them from prompts "
        "as realdata.evaluate does, and compare what changes with what normal embeddings predict. A stopped run goes "
        "on where it stopped.",
    )
    add_options(parser.add_argument_group("the images"), Design, **dataclasses.asdict(CAPTIONED))
    add_options(parser.add_argument_group("captions, training and repairs"), DigitsRepairConfig)
    add_digits_option(parser)
    parser.add_argument(
        "--evaluated",
        type=program.path,
        metavar="FILE",
        help="summary.json of realdata.evaluate --repair on all photos that sims.colored_digits export wrote with one "
        "of these seeds and captions: shown beside the same CLIP here",
    )
    parser.add_argument(
        "--out",
        type=program.path,
        default=DEFAULT_OUT,
        metavar="DIR",
        help="directory for figure.png, table.md, result.json and arrays.npz, and for what each CLIP gets right",
    )
    program.add_json_option(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    design = from_options(Design, options)
    config = from_options(
        DigitsRepairConfig, options, design=design, digits=options.digits, evaluated=options.evaluated
    )
    results.check_json(options.json)
    result = run(config, options.out)
    if not results.emit_json(result.to_dict(), options.json):
        show(result, options.out)


def show(result: DigitsRepairResult, out: Path | None) -> None:
    """Print the table, what it means, and where the files are."""
    console = terminal.output()
    table = terminal.table(
        f"Changes in points ± standard error over {result.config.seeds} CLIPs; in brackets, as predicted",
        ("named", "repair", *PLACES, "agree"),
        no_wrap=False,
    )
    rows = result.rows
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        ends = following is None or following.mention_spu != row.mention_spu
        table.add_row(
            f"{row.mention_spu:.0%}",
            row.repair,
            *(_cell(row, place) for place in PLACES),
            _agree(row),
            end_section=ends,
        )
    console.print(table)
    console.print(
        f"named: how often captions name the background. {PLAIN}: % right with the plain prompt. common, counter: "
        f"{result.digits['test']} held-out digits on their class's usual and on a misleading background, mean over the "
        "classes; worst: the class on a background that is least often right. Predicted: if embeddings of a class on a "
        "background are normal, with the mean and covariance of training images. agree: common and counter do, within "
        "sampling error, or which assumption fails."
    )
    if result.evaluated:
        apart = [
            abs(row[group]["change"] - row[group]["simulated"])
            for row in result.evaluated["results"]
            for group in GROUPS
        ]
        console.print(
            f"Evaluated as photos, the CLIP of seed {result.evaluated['seed']} whose captions name the background with "
            f"probability {result.evaluated['mention_spu']:g} changes by at most {100 * max(apart):.1f} points other "
            "than here."
        )
    if out is not None:
        console.print()
        console.print(f"Written to {out}: figure.png, table.md, result.json, arrays.npz, clips/", soft_wrap=True)


def _cell(row: DigitsRow, place: str) -> str:
    if row.repair == PLAIN:
        return f"{100 * row.accuracy[place]:.1f}±{100 * row.stderr[place]:.1f} %"
    change, error = 100 * row.change[place], 100 * row.change_stderr[place]
    return f"{change:+.1f}±{error:.1f} ({100 * row.predicted[MOMENTS[0]][place]:+.1f})"


def _agree(row: DigitsRow) -> str:
    if row.agrees is None:
        return "-"
    return ", ".join(dict.fromkeys(found for found in row.agrees.values() if found != AGREES)) or AGREES
