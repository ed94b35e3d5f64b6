"""The option `--published` of programs that read the published tables."""

import argparse

from published.tables import DIRECTORY
from workbench import program


def add_published_option(parser: argparse.ArgumentParser) -> None:
    """Add `--published DIR`."""
    parser.add_argument(
        "--published",
        type=program.path,
        default=DIRECTORY,
        metavar="DIR",
        help="folder of tables to read instead of our own",
    )
