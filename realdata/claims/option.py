"""The option of programs that put models of one's own beside the published ones."""

import argparse

from workbench import program


def add_with_option(parser: argparse.ArgumentParser) -> None:
    """Add `--with DIR`, as `added`; it may be given several times."""
    parser.add_argument(
        "--with",
        dest="added",
        type=program.path,
        action="append",
        default=[],
        metavar="DIR",
        help="also a model that was evaluated here: a folder that python -m realdata.evaluate --out wrote, or all of "
        "python -m realdata.replicate; again for more",
    )
