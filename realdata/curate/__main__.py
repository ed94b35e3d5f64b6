"""`python -m realdata.curate`."""

import sys

if __name__ == "__main__":
    from workbench import program

    sys.exit(program.start("python -m realdata.curate", "realdata.curate.program"))
