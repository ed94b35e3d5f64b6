"""`python -m sims.repairs`."""

import sys

if __name__ == "__main__":
    from workbench import program

    sys.exit(program.start("python -m sims.repairs", "sims.repairs.program"))
