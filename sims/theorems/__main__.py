"""`python -m sims.theorems`."""

import sys

if __name__ == "__main__":
    from workbench import program

    sys.exit(program.start("python -m sims.theorems", "sims.theorems.program"))
