"""What the main job prints."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sims.contrastive.comparison import Row
from sims.contrastive.result import ContrastiveResult
from theory.names import GROUPS
from workbench import terminal

_ONE_LINE = 100  # columns of a terminal that hold simulation and theory side by side


def show(result: ContrastiveResult, out: Path | None) -> None:
    """Print the table, the verdict, what Theorem 6.2 says of it, and where the files are."""
    console = terminal.output()
    seeds, narrow = result.config.seeds, console.width < _ONE_LINE
    over = "of one run's test images" if seeds == 1 else f"over {seeds} runs"
    table = terminal.narrow_table(f"Accuracy (%) ± standard error {over}; in brackets, the closed form")
    for heading in ("learner", "prompt"):
        table.add_column(heading, no_wrap=True)
    for group in GROUPS:
        table.add_column(group.replace("_", " "))
    table.add_column("agree", min_width=5)
    for row in result.rows:
        shown = [_cell(row, group, "\n" if narrow else " ") for group in GROUPS]
        agree = {True: "yes", False: "NO", None: "-"}[row.agrees] + ("" if row.converged else " *")
        table.add_row(row.learner, row.prompt or "-", *shown, agree)
    console.print(table)
    console.print(
        "aligned: the spurious feature agrees with the label; conflicting: it does not. in distribution: "
        f"{100 * result.config.model.spurious_ratio:g}% aligned, as in training; uniform: half and half. agree: with "
        "the closed form of infinite data (losses on batches: of this batch size), within sampling error."
    )
    console.print()
    console.print(result.verdict["question"], style="bold")
    for sentence in result.verdict["text"]:
        console.print(sentence)
    if result.theorem62 is not None:
        console.print(_theorem_in_words(result.theorem62))
    unconverged = sorted({row.learner for row in result.rows if not row.converged})
    if unconverged:
        console.print(f"* Not converged after {result.config.steps} steps: {', '.join(unconverged)}; try more --steps.")
    for note, learners in _without_theory(result.rows).items():
        console.print(f"No closed form for {', '.join(learners)}: {note}.")
    if out is None:
        return
    console.print()
    console.print(f"Written to {out}: figure.png, result.json, arrays.npz", soft_wrap=True)


def _without_theory(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Why rows have no closed form, and which: learners, with the prompt where only one of them has none."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if row.theory is None:
            alike = [other for other in rows if other.learner == row.learner]
            whole = row.prompt is None or all(other.note == row.note and other.theory is None for other in alike)
            name = row.learner if whole else f"{row.learner} ({row.prompt})"
            names = found.setdefault(row.note or "unknown", [])
            names += [] if name in names else [name]
    return found


def _cell(row: Row, group: str, separator: str) -> str:
    simulated = f"{100 * row.accuracy[group]:.1f}±{100 * row.stderr[group]:.1f}"
    return simulated if row.theory is None else f"{simulated}{separator}({100 * row.theory[group]:.1f})"


def _theorem_in_words(theorem: dict[str, Any]) -> str:
    errors = {name: f"{100 * error:.1f}%" for name, error in theorem["simulated_error"].items()}
    state = "hold" if theorem["conditions_hold"] else "do not all hold"
    sentence = (
        f"Theorem 6.2 as printed (those of its conditions that one model can meet {state} here) bounds the label "
        f"prompt's error on conflicting images from below by {100 * theorem['printed_error_bound']:.1f}%: simulated "
        f"{errors.pop('linearized')} for the linearised loss, of which it speaks"
    )
    if errors:
        others = ", ".join(f"{name} {error}" for name, error in errors.items())
        sentence += f"; for losses of which it does not, {others}"
    return f"{sentence}."
