"""`python -m sims.repairs [digits]`: repairs in the synthetic model, or on CLIPs trained on coloured digits."""

import sys
from collections.abc import Sequence

from workbench import program

PROGRAMS = {"digits": "sims.repairs.digits.program"}
DEFAULT = "sims.repairs.program"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program that the first word names, or the synthetic model's without one; returns its exit code."""
    return program.choose("python -m sims.repairs", PROGRAMS, arguments, default=DEFAULT)


if __name__ == "__main__":
    sys.exit(main())
