"""`python -m realdata.claims`."""

import sys

if __name__ == "__main__":
    from workbench import program

    sys.exit(program.start("python -m realdata.claims", "realdata.claims.program"))
