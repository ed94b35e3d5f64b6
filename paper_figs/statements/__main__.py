"""`python -m paper_figs.statements`."""

import sys

if __name__ == "__main__":
    from workbench import program

    sys.exit(program.start("python -m paper_figs.statements", "paper_figs.statements.program"))
