"""What `sims.repairs` prints."""

from pathlib import Path

from sims.repairs.result import RepairResult, Row
from workbench import terminal

_GROUPS = ("aligned", "conflicting")


def show(result: RepairResult, out: Path | None) -> None:
    """Print the table, what it means, and where the files are."""
    console = terminal.output()
    table = terminal.narrow_table(
        f"Accuracy (%) ± standard error over {result.config.seeds} runs; in brackets, the closed form"
    )
    for heading in ("learner", "repair"):
        table.add_column(heading, no_wrap=True)
    for heading in (*_GROUPS, "change of the worse group"):
        table.add_column(heading)
    table.add_column("agree", min_width=5)
    for index, row in enumerate(result.rows):
        ends = index + 1 == len(result.rows) or result.rows[index + 1].learner != row.learner
        agree = {True: "yes", False: "NO", None: "-"}[row.agrees] + ("" if row.converged else " *")
        change = f"{100 * row.change:+.1f}±{100 * row.change_stderr:.1f}"
        cells = [_cell(row, group) for group in _GROUPS]
        table.add_row(row.learner, row.repair.replace("_", " "), *cells, change, agree, end_section=ends)
    console.print(table)
    console.print(
        "aligned: the spurious feature agrees with the label; conflicting: it does not. Repairs are made from prompts, "
        f"{result.config.captions} captions and as many images, without labels; probe and balanced probe (DFR) read "
        "labels, the latter on groups of equal mass. agree: with the closed form (S30), within sampling error."
    )
    for name, weight in result.weights.items():
        balanced = weight["balanced"]
        known = "" if balanced is None else f"; balanced encoders would take {balanced:.2f}"
        console.print(
            f"{name}: projection takes {weight['trained']:.2f}±{weight['stderr']:.2f} of the background out of the "
            f"prompt{known}."
        )
    unconverged = list(dict.fromkeys(row.learner for row in result.rows if not row.converged))
    if unconverged:
        console.print(f"* Not converged after {result.config.steps} steps: {', '.join(unconverged)}; try more --steps.")
    for note in dict.fromkeys(row.note for row in result.rows if row.note):
        names = dict.fromkeys(f"{row.learner} {row.repair}" for row in result.rows if row.note == note)
        console.print(f"No closed form for {', '.join(names)}: {note}.")
    if out is not None:
        console.print()
        console.print(f"Written to {out}: figure.png, result.json, arrays.npz", soft_wrap=True)


def _cell(row: Row, group: str) -> str:
    simulated = f"{100 * row.accuracy[group]:.1f}±{100 * row.stderr[group]:.1f}"
    return simulated if row.theory is None else f"{simulated} ({100 * row.theory[group]:.1f})"
