"""`python -m theory`."""

import sys

if __name__ == "__main__":
    from workbench import program

    sys.exit(program.start("python -m theory", "theory.program"))
