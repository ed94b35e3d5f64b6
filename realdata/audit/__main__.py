"""`python -m realdata.audit`."""

import sys

if __name__ == "__main__":
    from workbench import program

    sys.exit(program.start("python -m realdata.audit", "realdata.audit.program"))
