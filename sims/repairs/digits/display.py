"""What `sims.repairs digits` prints."""

from pathlib import Path

from sims.repairs.digits.result import AGREES, DigitsRepairResult, DigitsRow
from sims.repairs.digits.shares import MOMENTS, PLACES
from theory.repair_rules import PLAIN
from workbench import terminal
from workbench.conventions import GROUPS


def show(result: DigitsRepairResult, out: Path | None) -> None:
    """Print the table, what it means, and where the files are."""
    console = terminal.output()
    table = terminal.table(
        f"Changes in points ± standard error over {result.config.seeds} CLIPs; in brackets, as predicted",
        ("named", "repair", *PLACES, "agree"),
        no_wrap=False,
    )
    rows = result.rows
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        ends = following is None or following.mention_spu != row.mention_spu
        table.add_row(
            f"{row.mention_spu:.0%}",
            row.repair,
            *(_cell(row, place) for place in PLACES),
            _agree(row),
            end_section=ends,
        )
    console.print(table)
    console.print(
        f"named: how often captions name the background. {PLAIN}: % right with the plain prompt. common, counter: "
        f"{result.digits['test']} held-out digits on their class's usual and on a misleading background, mean over the "
        "classes; worst: the class on a background that is least often right. Predicted: if embeddings of a class on a "
        "background are normal, with the mean and covariance of training images. agree: common and counter do, within "
        "sampling error, or which assumption fails."
    )
    if result.evaluated:
        apart = [
            abs(row[group]["change"] - row[group]["simulated"])
            for row in result.evaluated["results"]
            for group in GROUPS
        ]
        console.print(
            f"Evaluated as photos, the CLIP of seed {result.evaluated['seed']} whose captions name the background with "
            f"probability {result.evaluated['mention_spu']:g} changes by at most {100 * max(apart):.1f} points other "
            "than here."
        )
    if out is not None:
        console.print()
        console.print(f"Written to {out}: figure.png, table.md, result.json, arrays.npz, clips/", soft_wrap=True)


def _cell(row: DigitsRow, place: str) -> str:
    if row.repair == PLAIN:
        return f"{100 * row.accuracy[place]:.1f}±{100 * row.stderr[place]:.1f} %"
    change, error = 100 * row.change[place], 100 * row.change_stderr[place]
    return f"{change:+.1f}±{error:.1f} ({100 * row.predicted[MOMENTS[0]][place]:+.1f})"


def _agree(row: DigitsRow) -> str:
    if row.agrees is None:
        return "-"
    return ", ".join(dict.fromkeys(found for found in row.agrees.values() if found != AGREES)) or AGREES
