"""`python -m realdata.claims`: tests of the paper's claims C1 to C6, C8 and C9 on published measurements.

(C7 is a theorem: `python -m theory`, S7.) Each file `c*.py` here states its question; `realdata.claims.claim_test` says
how verdicts are corrected.
"""

import argparse
import sys

from published.directory import add_published_option
from realdata.claims.option import add_with_option
from workbench import program, results, terminal


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser(
        "python -m realdata.claims",
        "Put the paper's claims to the published measurements: one primary test for each, by a rule that looks at no "
        "result, and the same question in every other setting that the tables allow.",
    )
    add_published_option(parser)
    parser.add_argument(
        "--all",
        action="store_true",
        help="print every question in every setting, other methods for the primary tests, other models and masked "
        "photos; else the primary test of each claim",
    )
    add_with_option(parser)
    program.add_json_option(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    from realdata.claims import primary_table, table, wider_table
    from realdata.claims.added_models import read_added_models
    from realdata.claims.c2_robustness import NOT_BY_CLASS
    from realdata.claims.evaluate import claims_content, evaluate
    from realdata.claims.wider_table import evaluate_wider

    results.check_json(options.json)
    models = read_added_models(options.added)
    with terminal.spinner("testing claims"):
        found = evaluate(options.published, models)
        wider = evaluate_wider(options.published)
    if not results.emit_json(claims_content(*found, wider=wider), options.json):
        if options.all:
            table.show(found.tests, [NOT_BY_CLASS], everything=True)
            wider_table.show(wider, everything=True)
            primary_table.show_methods(found.primary, found.both)
        primary_table.show(found.primary, found.detectable, wider.masked)
        if models:
            terminal.output().print("\nModels evaluated here", style="bold")
            table.show(found.added, found.missed, everything=False)


if __name__ == "__main__":
    sys.exit(main())
