"""`python -m realdata.evaluate`."""

import sys

if __name__ == "__main__":
    from workbench import program

    sys.exit(program.start("python -m realdata.evaluate", "realdata.evaluate.program"))
