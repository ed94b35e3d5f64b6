"""`python -m sims.sweep`."""

import sys

if __name__ == "__main__":
    from workbench import program

    sys.exit(program.start("python -m sims.sweep", "sims.sweep.program"))
