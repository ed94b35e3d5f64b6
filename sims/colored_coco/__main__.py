"""`python -m sims.colored_coco make|train`: ColoredCOCO from COCO's own files, and a CLIP fine-tuned on it."""

import sys
from collections.abc import Sequence

from workbench import program


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program that the first word names; returns its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # One at a time, since what one needs another need not load.
    if words[:1] == ["make"]:
        from sims.colored_coco.make import main as make

        return make(words[1:])
    if words[:1] == ["train"]:
        from sims.colored_coco.train import main as train

        return train(words[1:])
    parser = program.Parser(
        "python -m sims.colored_coco",
        "ColoredCOCO: `make` pastes COCO's objects on painted backgrounds, `train` fine-tunes a CLIP on them; each has "
        "its own --help.",
    )
    parser.add_argument("program", choices=("make", "train"), help="what to do")
    parser.parse_args(words)
    return 2


if __name__ == "__main__":
    sys.exit(main())
