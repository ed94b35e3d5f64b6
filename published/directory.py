"""Where the published tables are, and the option of programs that read them."""

import argparse
from pathlib import Path

from workbench import program

DIRECTORY = Path(__file__).parent


def add_published_option(parser: argparse.ArgumentParser) -> None:
    """Add `--published DIR`, the folder of tables that a program reads."""
    parser.add_argument(
        "--published",
        type=program.path,
        default=DIRECTORY,
        metavar="DIR",
        help="folder of tables to read instead of our own",
    )
