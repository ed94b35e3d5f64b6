"""`python -m sims.contrastive`."""

import sys

if __name__ == "__main__":
    from workbench import program

    sys.exit(program.start("python -m sims.contrastive", "sims.contrastive.program"))
