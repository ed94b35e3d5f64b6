"""`python -m realdata.claims`: tests of the paper's claims C1 to C6, C8 and C9 on published measurements.

(C7 is a theorem: `python -m theory`, S7.) Each file `c*.py` here states its question; `realdata.claims.claim_test` says
how verdicts are corrected.
"""

import argparse
import dataclasses
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from published.tables import add_published_option
from realdata.claims import table, wider_table
from realdata.claims.added_models import add_with_option, read_added_models
from realdata.claims.c2_robustness import NOT_BY_CLASS
from realdata.claims.claim_test import CLAIMS, JudgedClaim
from realdata.claims.evaluate import evaluate
from realdata.claims.wider_table import Wider, evaluate_wider
from workbench import program, results, terminal


def claims_content(
    tests: Sequence[JudgedClaim],
    added: Sequence[JudgedClaim] = (),
    missed: Sequence[Mapping[str, str]] = (),
    wider: Wider | None = None,
) -> dict[str, Any]:
    """The content for `--json`.

    Args:
        tests: the tests on the published tables.
        added: the tests on the user's own models.
        missed: the questions that those models cannot answer.
        wider: the measurements by others, if they are included.
    """
    return {
        "statements": CLAIMS,
        "claims": [dataclasses.asdict(test) for test in tests],
        "not_asked": [NOT_BY_CLASS],
        "added": [dataclasses.asdict(test) for test in added],
        "added_not_asked": list(missed),
        "versions": results.versions("numpy", "scipy", "pandas", "statsmodels"),
    } | (wider.as_json() if wider else {})


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser(
        "python -m realdata.claims",
        "Put the paper's claims to the published measurements, in every setting that the tables allow: a null "
        "hypothesis, an effect with its interval, and a verdict for each.",
    )
    add_published_option(parser)
    parser.add_argument(
        "--all",
        action="store_true",
        help="print all settings; else those with all CLIPs and with values as printed, and one set of ImageNet models",
    )
    add_with_option(parser)
    program.add_json_option(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    results.check_json(options.json)
    models = read_added_models(options.added)
    with terminal.spinner("testing claims"):
        found = evaluate(options.published, models)
        wider = evaluate_wider(options.published)
    if not results.emit_json(claims_content(*found, wider=wider), options.json):
        table.show(found.tests, [NOT_BY_CLASS], options.all)
        wider_table.show(wider, options.all)
        if models:
            terminal.output().print("\nModels evaluated here", style="bold")
            table.show(found.added, found.missed, everything=False)


if __name__ == "__main__":
    sys.exit(main())
