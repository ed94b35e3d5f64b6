"""`python -m sims.repairs`: zero-shot repairs on trained encoders, from prompts only, against theory."""

import argparse
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table

from sims.repairs.config import RepairConfig
from sims.repairs.result import RepairResult, Row
from sims.repairs.run import run
from theory.model import SpuriousModel
from workbench import program, results, terminal
from workbench.parameters import add_options, from_options

DEFAULT_OUT = Path("results/repairs")
_GROUPS = ("aligned", "conflicting")


def build_parser() -> program.Parser:
    """The command line's options; defaults are those of `RepairConfig`."""
    parser = program.Parser(
        "python -m sims.repairs",
        "Train image and text encoders with contrastive losses and apply zero-shot repairs, made from prompts, "
        "captions and unlabelled images; compare their accuracy in each group with closed forms and with probes.",
    )
    add_options(parser.add_argument_group("synthetic model"), SpuriousModel)
    add_options(parser.add_argument_group("training, repairs and evaluation"), RepairConfig)
    parser.add_argument(
        "--out",
        type=program.path,
        default=DEFAULT_OUT,
        metavar="DIR",
        help="directory for result.json, arrays.npz and figure.png",
    )
    program.add_json_option(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    config = from_options(RepairConfig, options, model=from_options(SpuriousModel, options))
    results.check_json(options.json)
    result = run(config, options.out)
    if not results.emit_json(result.to_dict(), options.json):
        show(result, options.out)


def show(result: RepairResult, out: Path | None) -> None:
    """Print the table, what it means, and where the files are."""
    console = terminal.output()
    table = Table(
        title=f"Accuracy (%) ± standard error over {result.config.seeds} runs; in brackets, the closed form",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for heading in ("learner", "repair"):
        table.add_column(heading, no_wrap=True)
    for heading in (*_GROUPS, "change of the worse group"):
        table.add_column(heading)
    table.add_column("agree", min_width=5)
    for index, row in enumerate(result.rows):
        ends = index + 1 == len(result.rows) or result.rows[index + 1].learner != row.learner
        agree = {True: "yes", False: "NO", None: "-"}[row.agrees] + ("" if row.converged else " *")
        change = f"{100 * row.change:+.1f}±{100 * row.change_stderr:.1f}"
        cells = [_cell(row, group) for group in _GROUPS]
        table.add_row(row.learner, row.repair.replace("_", " "), *cells, change, agree, end_section=ends)
    console.print(table)
    console.print(
        "aligned: the spurious feature agrees with the label; conflicting: it does not. Repairs are made from prompts, "
        f"{result.config.captions} captions and as many images, without labels; probe and balanced probe (DFR) read "
        "labels, the latter on groups of equal mass. agree: with the closed form (S30), within sampling error."
    )
    for name, weight in result.weights.items():
        balanced = weight["balanced"]
        known = "" if balanced is None else f"; balanced encoders would take {balanced:.2f}"
        console.print(
            f"{name}: projection takes {weight['trained']:.2f}±{weight['stderr']:.2f} of the background out of the "
            f"prompt{known}."
        )
    unconverged = list(dict.fromkeys(row.learner for row in result.rows if not row.converged))
    if unconverged:
        console.print(f"* Not converged after {result.config.steps} steps: {', '.join(unconverged)}; try more --steps.")
    for note in dict.fromkeys(row.note for row in result.rows if row.note):
        names = dict.fromkeys(f"{row.learner} {row.repair}" for row in result.rows if row.note == note)
        console.print(f"No closed form for {', '.join(names)}: {note}.")
    if out is not None:
        console.print()
        console.print(f"Written to {out}: figure.png, result.json, arrays.npz", soft_wrap=True)


def _cell(row: Row, group: str) -> str:
    simulated = f"{100 * row.accuracy[group]:.1f}±{100 * row.stderr[group]:.1f}"
    return simulated if row.theory is None else f"{simulated} ({100 * row.theory[group]:.1f})"
