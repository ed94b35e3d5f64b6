"""What published accuracies say of the curves of S28, on the terminal."""

from collections.abc import Sequence

from rich.console import Console

from realdata.reliance.curve_tests import CurvePrediction, CurveShape
from realdata.reliance.curves import LINES, THEORIES
from realdata.reliance.study import Study
from workbench import terminal


def show(console: Console, study: Study) -> None:
    """Print which curve has the ImageNet models' slope, and what each says of other models."""
    console.print("Curves of models that differ in one thing (S28), fitted to ImageNet models", style="bold")
    table = terminal.narrow_table()
    for heading in ("setting", "models differ in", "constants", "slope", "tilt [95%]", "AICc", "p (Holm)", "verdict"):
        table.add_column(heading)
    for shape in study.shapes:
        fitted = shape.theory in THEORIES or shape.theory in LINES
        table.add_row(
            setting_in_words(shape),
            shape.theory,
            ", ".join(f"{name} {value:.2f}" for name, value in shape.constants.items()),
            f"{shape.slope:.2f}" if fitted else f"models' {shape.slope:.2f}",
            ""
            if shape.tilt is None or shape.tilt_interval is None
            else f"{shape.tilt:+.2f} {terminal.interval(shape.tilt_interval, '+.2f')}",
            "" if shape.aicc is None else f"{shape.aicc:.1f}",
            "" if shape.p_value_corrected is None else terminal.p_value(shape.p_value_corrected),
            shape.verdict,
        )
    console.print(table)
    console.print(
        "The same constants on other models: mean miss in points, and the mean log score beyond that of a shift. "
        "*: missed after correction"
    )
    names = (*THEORIES, "shift", "line")
    table = terminal.narrow_table()
    for heading in ("setting", "predicted", *names):
        table.add_column(heading)
    for rows in prediction_rows(study.predictions):
        first = rows[0]
        table.add_row(
            setting_in_words(first),
            f"{first.models} {first.group}",
            *(f"{row.points:+.1f}{'*' if row.verdict == 'missed' else ''}, {row.beyond_shift:+.2f}" for row in rows),
        )
    console.print(table)
    console.print(describe(study.shapes, study.predictions) + "\n")


def setting_in_words(row: CurveShape | CurvePrediction) -> str:
    """A row's setting in a few words."""
    prompt = row.setting["prompt"]
    words = [row.source, row.setting["setup"], "" if prompt == "none" else prompt, row.setting["averaging"]]
    return " ".join(word for word in (*words, f"({' and '.join(row.tables)})" if row.tables else "") if word)


def prediction_rows(predictions: Sequence[CurvePrediction]) -> list[list[CurvePrediction]]:
    """The predictions of each group in each setting, in the order of the theories."""
    found: dict[tuple[object, ...], list[CurvePrediction]] = {}
    for row in predictions:
        found.setdefault((row.source, row.tables, *row.setting.values(), row.group), []).append(row)
    return list(found.values())


def describe(shapes: Sequence[CurveShape], predictions: Sequence[CurvePrediction]) -> str:
    """The answers in sentences: which theories have the slope, and which groups each misses."""
    words = []
    for theory in dict.fromkeys(row.theory for row in shapes if row.p_value is not None):
        asked = [row for row in shapes if row.theory == theory]
        rejected = sum(row.verdict == "rejected" for row in asked)
        words.append(f"{theory}, rejected in {rejected} of {len(asked)} settings")
    missed = []
    for theory in THEORIES:
        tested = [row for row in predictions if row.theory == theory and row.p_value is not None]
        names = [f"{row.group} by {row.points:+.1f}" for row in tested if row.verdict == "missed"]
        listed = f" ({', '.join(names)} points)" if names else ""
        missed.append(f"{theory} misses {len(names)} of {len(tested)}{listed}")
    return f"By their shape: {'; '.join(words)}. With the constants of the ImageNet models: {'; '.join(missed)}."
