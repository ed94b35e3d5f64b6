"""`python -m paper_figs`."""

import sys

if __name__ == "__main__":
    from workbench import program

    sys.exit(program.start("python -m paper_figs", "paper_figs.program"))
