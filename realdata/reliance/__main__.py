"""`python -m realdata.reliance`."""

import sys

if __name__ == "__main__":
    from workbench import program

    sys.exit(program.start("python -m realdata.reliance", "realdata.reliance.program"))
