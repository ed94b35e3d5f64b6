"""`python -m realdata.audit`: a check of the printed tables for impossible numbers."""

import argparse

from published.directory import add_published_option
from workbench import program, results


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser(
        "python -m realdata.audit",
        "Check the published tables for what cannot be true, by rules: drops, whole photos, photo counts, averages, "
        "rows that repeat or contradict each other, checkpoints, and an independent replication. Findings are printed; "
        "the exit code is 0 whether or not there are any.",
    )
    add_published_option(parser)
    program.add_json_option(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    from realdata.audit.audit import audit_tables
    from realdata.audit.display import show

    results.check_json(options.json)
    audit = audit_tables(options.published)
    if not results.emit_json(audit.as_json(), options.json):
        show(audit)
