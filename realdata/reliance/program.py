"""`python -m realdata.reliance`: the theory's accuracy on the line (S19, S28) put to published accuracies."""

import argparse

from published.directory import add_published_option
from workbench import program, results, terminal


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser(
        "python -m realdata.reliance",
        "The index of spurious reliance (S19) of CLIPs and ImageNet models from their published accuracies: whether "
        "one index a family explains averages and single classes, and if not, whether many classes or harder photos "
        "do; and which curve of S28 does, fitted to ImageNet models and put to others.",
    )
    add_published_option(parser)
    parser.add_argument("--models", action="store_true", help="also list every model's index, ranked in its setting")
    parser.add_argument("--classes", action="store_true", help="also list what was found in every class")
    program.add_json_option(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    from published.tables import read_classwise, read_published_tables
    from realdata.reliance import table
    from realdata.reliance.curve_tests import read_other_models
    from realdata.reliance.study import reliance_content, study

    tables, classwise = read_published_tables(options.published), read_classwise(options.published)
    with terminal.spinner("fitting lines"):
        found = study(tables, classwise, read_other_models())
    if not results.emit_json(reliance_content(found), options.json):
        table.show(found, with_models=options.models, with_classes=options.classes)
