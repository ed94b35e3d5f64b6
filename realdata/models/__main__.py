"""`python -m realdata.models`."""

import sys

if __name__ == "__main__":
    from workbench import program

    sys.exit(program.start("python -m realdata.models", "realdata.models.program"))
