"""`python -m sims.colored_digits [table|export]`: one row of Table 8, all of it, or pictures and a CLIP as files."""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program that the first word names, or a row without one; returns its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # One at a time, since what one needs another need not load.
    if words[:1] == ["table"]:
        from sims.colored_digits.grid import main as table

        return table(words[1:])
    if words[:1] == ["export"]:
        from sims.colored_digits.export import main as export

        return export(words[1:])
    from sims.colored_digits.run import main as row

    return row(words)


if __name__ == "__main__":
    sys.exit(main())
