"""`python -m sims.colored_coco make|train`: ColoredCOCO from COCO's own files, and a CLIP fine-tuned on it."""

import sys
from collections.abc import Sequence

from workbench import program

PROGRAMS = {"make": "sims.colored_coco.make", "train": "sims.colored_coco.train"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program that the first word names; returns its exit code."""
    return program.choose("python -m sims.colored_coco", PROGRAMS, arguments)


if __name__ == "__main__":
    sys.exit(main())
