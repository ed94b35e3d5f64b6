"""`python -m realdata.replicate`."""

import sys

if __name__ == "__main__":
    from workbench import program

    sys.exit(program.start("python -m realdata.replicate", "realdata.replicate.program"))
