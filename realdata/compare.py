"""`python -m realdata.compare A B`: two evaluations of the same photos, with paired intervals.

Of common and counter photos it compares both groups and the drop; of groups of class and attribute each group, the
worst one and the averages.
"""

import argparse
import sys

from workbench import program, results


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser(
        "python -m realdata.compare",
        "The difference of two models on the same photos, A minus B, with paired 95% intervals.",
    )
    for name in ("A", "B"):
        parser.add_argument(
            name.lower(),
            type=program.path,
            metavar=name,
            help="folder of realdata.evaluate's results, or predictions.csv",
        )
    program.add_json_option(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    from realdata.evaluate.paired import compare, show

    results.check_json(options.json)
    content = compare(options.a, options.b)
    if not results.emit_json(content, options.json):
        show(content)


if __name__ == "__main__":
    sys.exit(main())
