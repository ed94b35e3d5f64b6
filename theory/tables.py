"""The answers of `python -m theory` as tables in the terminal."""

from typing import Any

from rich.table import Table

from theory.names import DIRECTIONS, GROUPS
from theory.report import over_corrects
from workbench import terminal
from workbench.conventions import ROUNDING


def _table(title: str, left: tuple[str, ...], right: tuple[str, ...]) -> Table:
    table = terminal.narrow_table(title)
    for heading in left:
        table.add_column(heading, justify="left", overflow="fold", no_wrap=heading in ("learner", "caption", "prompt"))
    for heading in right:
        table.add_column(heading, justify="right")
    return table


# The supervised learner that a map or a boundary compares with, for two classes and for more.
_REFERENCES = {"logistic": "logistic regression", "softmax": "softmax regression"}


def show_boundary(content: dict[str, Any]) -> None:
    """Where the linearised learner is more robust than the supervised ones, a line for each caption and prompt."""
    console = terminal.output()
    reference = "softmax" if "pairs" in content else "logistic"
    claim = "is more robust on conflicting images"
    if "pairs" in content:
        claim = f"leans less on the background, with {_classes(content)},"
    console.print(
        f"Where the linearised contrastive learner {claim} than least squares, and in brackets, where there is such a "
        f"ratio, than {_REFERENCES[reference]}:"
    )
    for row in content["boundaries"]:
        critical = "" if row["critical_ratio"] is None else f", {row['critical_ratio']:.4f}"
        against = row[f"critical_ratio_against_{reference}"]
        critical += "" if against is None else f" ({against:.4f})"
        where = row["leans_less" if "pairs" in content else "more_robust"]
        console.print(f"  {row['caption']} captions, {row['prompt']} prompt: {where}{critical}")
    model = content["model"]
    if "pairs" in content and model["mu_spu"] > 0 and content["shared_size"] <= model["mu_inv"]:
        console.print("Of two that lean on it, the one that leans less is right on more of the conflicting images.")


def _classes(content: dict[str, Any]) -> str:
    pairs, size = content["pairs"], content["shared_size"]
    return f"{pairs} pairs of classes and features of size {size:g} shared between them"


def show_map(content: dict[str, Any]) -> None:
    """The verdicts, a row for each caption and prompt and a column for each learner."""
    console = terminal.output()
    reference = content["reference"]
    name = _REFERENCES[reference["learner"]]
    classes = f", with {_classes(content)}" if "pairs" in content else ""
    if reference["accuracy"] is None:
        console.print(f"Nothing to compare with: {name} has {reference['note']}.")
    else:
        console.print(
            f"Where the background contradicts the label{classes}, is a contrastive learner right more often "
            f"than {name} on the same images? In brackets its accuracy there in %; {name}'s is "
            f"{100 * reference['accuracy']['conflicting']:.1f}."
        )
    learners = list(dict.fromkeys(row["learner"] for row in content["map"]))
    captions = list(dict.fromkeys(row["caption"] for row in content["map"]))
    table = _table("", ("learner", "prompt", *(f"{caption} captions" for caption in captions)), ())
    table.box = None  # for all of it on one screen
    cells = {(row["learner"], row["prompt"], row["caption"]): row for row in content["map"]}
    for learner, prompt in dict.fromkeys((row["learner"], row["prompt"]) for row in content["map"]):
        table.add_row(learner, prompt, *(_cell(cells[(learner, prompt, caption)]) for caption in captions))
    console.print(table)
    if any(map(over_corrects, content["map"])):
        console.print("* over-corrects: it is less often right where the background agrees with the label.")
    _captions_and_learners(console, learners)
    for note in dict.fromkeys(
        f"{row['learner']}, {row['caption']}: {row['note']}" for row in content["map"] if row["note"]
    ):
        console.print(note)


def _cell(row: dict[str, Any]) -> str:
    if row["conflicting"] is None:
        return "-"
    mark = "*" if over_corrects(row) else ""
    verdict = {"more robust": "more", "less robust": "less", "as robust": "equal"}.get(row["verdict"], "?")
    return f"{verdict} ({100 * row['conflicting']:.1f}{mark})"


def show_repairs(content: dict[str, Any]) -> None:
    """What each repair does to the worse group, a row for each and a column for each learner and kind of caption."""
    console = terminal.output()
    console.print(
        "How far a repair of the label prompt moves the accuracy of the worse group, in points, on unlimited data. "
        f"First row: that accuracy without repair in %. No prompt of these learners gets it above "
        f"{100 * content['ceiling']:.1f}."
    )
    table = _table("", ("repair",), ())
    table.box = None
    for row in content["plain"]:
        heading = f"{row['learner']} {row['caption']}".replace("_", " ").replace("-", " ")
        table.add_column(heading, justify="right", max_width=11)
    plain = [row["accuracy"] and min(row["accuracy"][group] for group in GROUPS[:2]) for row in content["plain"]]
    table.add_row("none", *("-" if value is None else f"{100 * value:.1f} " for value in plain))
    for name in dict.fromkeys(row["repair"] for row in content["map"]):
        constant = content["constants"].get(name)
        label = name.replace("_", " ") + ("" if constant is None else f" {constant:g}")
        table.add_row(label, *(_moved(row) for row in content["map"] if row["repair"] == name))
    console.print(table)
    console.print(
        "* the other group loses. Behind a name: its constant. calibrated: lambda; whitened: power of the captions' "
        "covariance; subtract: weight of the background; mixture: share of the class mean. probe and balanced probe "
        "(DFR) are trained on labels, the latter on groups of equal mass. Text and image encoders are balanced, as "
        "gradient flow leaves them."
    )
    for note in dict.fromkeys(
        f"{row['learner']}, {row['caption']} captions: {row['note']}" for row in content["map"] if row["note"]
    ):
        console.print(f"- {note}.")


def _moved(row: dict[str, Any]) -> str:
    if row["change"] is None:
        return "- "
    change = 0.0 if abs(row["change"]) <= ROUNDING else 100 * row["change"]
    return f"{change:+.1f}{'*' if row['harms'] else ' '}"


_EXPLAINED = {
    "linearized": "the paper's linearised loss",
    "infonce_bilinear": "InfoNCE, CLIP's loss, on plain inner products",
    "infonce_image_to_text": "its half that finds an image's caption",
    "infonce_text_to_image": "its half that finds a caption's image",
    "siglip": "the sigmoid loss",
    "supcon_bilinear": "SupCon, pairs of one class being right",
    "nclip": "nCLIP with two clusters",
}


def _captions_and_learners(console: Any, learners: list[str]) -> None:
    console.print(
        "Captions: latent shares the image's features; label names the class alone; label-attribute names class and "
        "background. Prompts: label names the class; class-mean is the average caption of the class."
    )
    console.print(
        "; ".join(f"{name}: {_EXPLAINED[name]}" for name in learners) + ". All with infinite data and batches."
    )


def show_point(content: dict[str, Any]) -> None:
    """Every learner's accuracies, then Theorem 6.2 printed and derived."""
    console = terminal.output()
    columns = ("learner", "caption", "prompt")
    headings = ("w_spu / w_inv", *(group.replace("_", " ") for group in GROUPS))
    table = _table("Accuracy with infinite data (%)", columns, headings)
    notes = []
    for row in content["predictions"]:
        direction, accuracy = row["direction"], row["accuracy"]
        ratio = f"{direction[1] / direction[0]:.3f}" if direction and direction[0] else "-"
        shown = [f"{100 * accuracy[group]:.2f}" if accuracy else "-" for group in GROUPS]
        table.add_row(*(row[name] or "-" for name in columns), ratio, *shown)
        if row["note"] and not accuracy:
            notes.append(f"{row['learner']}, {row['prompt'] or 'no prompt'}: {row['note']}")
    console.print(table)
    if any(row["learner"] in (*DIRECTIONS, "siglip") for row in content["predictions"]):
        size = content["batch_size"]
        those, batches = "infonce_*, siglip", "infinitely large batches"
        if size is not None:
            those, batches = "infonce_*", f"batches of {size} pairs"
        console.print(f"{those}: the best bilinear critic for {batches}.")
    for note in dict.fromkeys(notes):
        console.print(note)
    _show_theorem(content)


def _show_theorem(content: dict[str, Any]) -> None:
    console = terminal.output()
    printed, derived = content["printed"], content["derived"]
    table = _table("Theorem 6.2 (label prompt, no image noise)", ("",), ("printed", "derived"))
    for name, of_printed, of_derived in (
        ("covariance of the features", _entry(printed, 0), _entry(derived, 0)),
        ("variance of the spurious feature", _entry(printed, 1), _entry(derived, 1)),
        ("kappa_1", printed["kappa_1"], derived["kappa_1"]),
        ("kappa_2", printed["kappa_2"], derived["kappa_2"]),
        (
            "error on conflicting images (printed: at least)",
            printed["conflicting_error_bound"],
            derived["conflicting_error"],
        ),
        (
            "accuracy on aligned images (printed: at least)",
            printed["aligned_accuracy_bound"],
            derived["aligned_accuracy"],
        ),
    ):
        table.add_row(name, _shown(of_printed), _shown(of_derived))
    console.print(table)
    failed = [name for name, holds in content["conditions"].items() if not holds]
    console.print(
        "The conditions that one model can meet hold (not among them: p_spu -> 1, n and dimensions -> infinity)."
        if not failed
        else f"Conditions that fail: {'; '.join(failed)}."
    )


def _entry(constants: dict[str, Any], row: int) -> float:
    return constants["latent_covariance"][row][1]


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def show_series(content: dict[str, Any]) -> None:
    """How many terms each series has; the series themselves are for `--json`."""
    table = _table("Chebyshev series of the optima", ("learner", "caption"), ("terms",))
    for series in content["series"]:
        table.add_row(series["learner"], series["caption"] or "-", str(len(series["degrees"].split())))
    terminal.output().print(table)
