"""`python -m theory`: the closed forms at one point, without simulation."""

import argparse
import sys
from typing import Any

from rich.table import Table

from theory.group_accuracy import GROUPS
from theory.options import add_model_options, model_from_options
from theory.predictions import boundary, report
from theory.zero_shot import PROMPTS
from workbench import program, results, terminal


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser(
        "python -m theory",
        "What each learner does with the spurious feature, in closed form, beside Theorem 6.2 as printed.",
    )
    parser.add_argument(
        "question",
        nargs="?",
        choices=("point", "boundary"),
        default="point",
        help="point: every learner at these parameters; boundary: the ratio from which on the linearised learner is "
        "more robust than least squares",
    )
    add_model_options(parser)
    parser.add_argument(
        "--embed-dim", type=program.whole_number(1), default=8, metavar="N", help="width of the embedding"
    )
    parser.add_argument(
        "--prompt",
        type=program.choices(PROMPTS),
        default=",".join(PROMPTS),
        metavar="NAMES",
        help="zero-shot prompts, separated by commas",
    )
    program.add_json_option(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _print, arguments)


def _print(options: argparse.Namespace) -> None:
    model = model_from_options(options)
    if options.question == "boundary":
        content = boundary(model)
        if not results.emit_json(content, options.json):
            _print_boundary(content)
        return
    content = report(model, options.embed_dim, options.prompt)
    if not results.emit_json(content, options.json):
        _print_tables(content)


def _print_boundary(content: dict[str, Any]) -> None:
    console = terminal.output()
    console.print("Where the linearised contrastive learner is more robust than least squares on conflicting images:")
    for row in content["boundaries"]:
        critical = "" if row["critical_ratio"] is None else f", {row['critical_ratio']:.4f}"
        console.print(f"  {row['prompt']} prompt: {row['more_robust']}{critical}")


def _print_tables(content: dict[str, Any]) -> None:
    console = terminal.output()
    table = Table(title="Accuracy in closed form (%)", title_justify="left")
    for heading in ("learner", "prompt", "w_spu / w_inv", *GROUPS):
        table.add_column(heading, justify="left" if heading in ("learner", "prompt") else "right")
    notes = []
    for row in content["predictions"]:
        direction, accuracy = row["direction"], row["accuracy"]
        ratio = f"{direction[1] / direction[0]:.3f}" if direction and direction[0] else "-"
        shown = [f"{100 * accuracy[group]:.2f}" if accuracy else "-" for group in GROUPS]
        table.add_row(row["learner"], row["prompt"] or "-", ratio, *shown)
        if row["note"]:
            notes.append(f"{row['learner']}, {row['prompt'] or 'no prompt'}: {row['note']}")
    console.print(table)
    for note in notes:
        console.print(note)

    printed, derived = content["printed"], content["derived"]
    theorem = Table(title="Theorem 6.2 (label prompt, no image noise)", title_justify="left")
    for heading in ("", "printed", "derived"):
        theorem.add_column(heading, justify="right" if heading else "left")
    for name, of_printed, of_derived in (
        ("covariance of the features", _off(printed), _off(derived)),
        ("variance of the spurious feature", _spurious(printed), _spurious(derived)),
        ("kappa_1", printed["kappa_1"], derived["kappa_1"]),
        ("kappa_2", printed["kappa_2"], derived["kappa_2"]),
        (
            "error where a != y (printed: at least)",
            printed["conflicting_error_bound"],
            derived["conflicting_error"],
        ),
        (
            "accuracy where a = y (printed: at least)",
            printed["aligned_accuracy_bound"],
            derived["aligned_accuracy"],
        ),
    ):
        theorem.add_row(name, _shown(of_printed), _shown(of_derived))
    console.print(theorem)
    failed = [name for name, holds in content["conditions"].items() if not holds]
    console.print(
        "The conditions that one model can meet hold (not among them: p_spu -> 1, n and dimensions -> infinity)."
        if not failed
        else f"Conditions that fail: {'; '.join(failed)}."
    )


def _off(constants: dict[str, Any]) -> float:
    return constants["latent_covariance"][0][1]


def _spurious(constants: dict[str, Any]) -> float:
    return constants["latent_covariance"][1][1]


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


if __name__ == "__main__":
    sys.exit(main())
