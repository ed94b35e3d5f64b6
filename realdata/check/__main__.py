"""`python -m realdata.check`."""

import sys

if __name__ == "__main__":
    from workbench import program

    sys.exit(program.start("python -m realdata.check", "realdata.check.program"))
