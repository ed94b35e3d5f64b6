"""`python -m sims.colored_digits [table|export]`: one row of Table 8, all of it, or images and a CLIP as files."""

import sys
from collections.abc import Sequence

from workbench import program

PROGRAMS = {"table": "sims.colored_digits.grid", "export": "sims.colored_digits.export"}
DEFAULT = "sims.colored_digits.program"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program that the first word names, or a row without one; returns its exit code."""
    return program.choose("python -m sims.colored_digits", PROGRAMS, arguments, default=DEFAULT)


if __name__ == "__main__":
    sys.exit(main())
