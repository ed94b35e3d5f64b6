"""Measurements by others beside the paper's claims: other test sets (C9), other models, photos without background.

`evaluate_wider` tests them, and `show` prints them.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.table import Table

from published.directory import DIRECTORY
from published.tables import read_others, read_published_tables
from realdata.claims.c9_shifts import GROUP_NAMES, evaluate_shifts, read_shifts
from realdata.claims.claim_test import CLAIMS, INCONCLUSIVE, NOT_SUPPORTED, SUPPORTED, JudgedClaim
from realdata.claims.masked_drop import ALL, GREY, MaskedDrop, masked_drops
from realdata.claims.other_models import OtherFamily, place_others
from workbench import terminal


class Wider(NamedTuple):
    """The results from others' measurements.

    Attributes:
        shifts: C9's judged tests.
        others: other models on CounterAnimal.
        masked: drops with and without the background.
    """

    shifts: list[JudgedClaim]
    others: list[OtherFamily]
    masked: list[MaskedDrop]

    def as_json(self) -> dict[str, Any]:
        """The content for `--json`."""
        return {
            "other_shifts": [dataclasses.asdict(test) for test in self.shifts],
            "other_models": [dataclasses.asdict(family) for family in self.others],
            "masked_drops": [dataclasses.asdict(model) for model in self.masked],
        }


def evaluate_wider(directory: Path = DIRECTORY) -> Wider:
    """Test C9, compare other models, and compare drops with and without the background.

    Args:
        directory: the folder of the paper's tables; others' tables come from the package.

    Raises:
        InputError: a table cannot be read, or there is no line through a baseline's models.
    """
    tables = read_published_tables(directory)
    occam = read_others("occam_counteranimal.csv")
    return Wider(evaluate_shifts(read_shifts(tables)), place_others(tables, occam), masked_drops(tables, occam))


WORDS = {SUPPORTED: "above", NOT_SUPPORTED: "below", INCONCLUSIVE: "inconclusive"}


def show(wider: Wider, everything: bool) -> None:
    """Print C9's table, other models and the masked drops, each with its answer.

    Args:
        wider: the results from others' measurements.
        everything: whether to print the lines through other ImageNet models too.
    """
    console = terminal.output()
    if wider.shifts:
        console.print(f"C9. {CLAIMS['C9']}: CLIPs less ImageNet models of the same accuracy (points)", style="bold")
        console.print(_shifts([test for test in wider.shifts if everything or is_primary(test.source, test.setting)]))
        console.print(describe_shifts(wider.shifts))
        console.print()
    if wider.others:
        console.print(
            "Other models on CounterAnimal, against the ImageNet models' line (Table 4; points)", style="bold"
        )
        console.print(_others(wider.others))
        console.print(
            "Each is one family, which is one cluster: its intervals are naive, and nothing is decided. H-SPLID does "
            "not say how it averages."
        )
        console.print()
    if wider.masked:
        console.print("C1. The drop with and without the background (points)", style="bold")
        console.print(_masked(wider.masked))
        console.print(describe_masked(wider.masked))


def describe_shifts(tests: Sequence[JudgedClaim]) -> str:
    """C9's answer in a sentence for each half."""
    words = []
    for name, source in GROUP_NAMES.items():
        asked = [test for test in tests if test.source == source]
        if not asked:
            continue
        counts = [
            f"{sum(test.verdict == verdict for test in asked)} {WORDS[verdict]}"
            for verdict in WORDS
            if any(test.verdict == verdict for test in asked)
        ]
        effects = [test.effect for test in asked]
        span = f"{min(effects):+.1f} to {max(effects):+.1f}"
        words.append(f"{name}: {', '.join(counts)} of {len(asked)} rows, effects from {span}.")
    return " ".join(words)


def describe_masked(masked: Sequence[MaskedDrop]) -> str:
    """How much of the drop remains without the background, in words."""
    mean = masked[-1]
    single = [model for model in masked if model.model != ALL and model.mask == GREY]
    shown = sum(model.removed_interval[0] > 0 for model in single)
    left = sum(model.masked_interval[0] > 0 for model in single)
    return (
        f"On grey, {mean.masked:.1f} of {mean.drop:.1f} points remain on average ({100 * mean.remaining:.0f}%; "
        f"{100 * mean.remaining_logits:.0f}% in logits): the drop is not all the background's. It is smaller than on "
        f"whole photos in {shown} of {len(single)} models, and above 0 in {left}, each by its own interval. Masks cost "
        f"{mean.cost_common:.1f} points on common and {mean.cost_counter:.1f} on counter photos. Intervals are bounds "
        "from the number of photos; which photos were right in both views is not published."
    )


def is_primary(source: str, setting: Mapping[str, Any]) -> bool:
    """Whether a row of C9 is shown by default: the testbed's ImageNet models, or the paper's if it has none."""
    return source == "paper" or setting["baseline"] == "testbed" or " and " in setting["predictors"]


def _shifts(tests: Sequence[JudgedClaim]) -> Table:
    table = _table("test set", "as accurate on", "ImageNet models", "effect [clustered 95%]", "p", "CLIPs")
    for test in tests:
        prompt = f" ({test.setting['prompt']})" if test.source == "paper" else ""
        table.add_row(
            test.question + prompt,
            test.setting["predictors"],
            f"{test.setting['imagenet_models']}, {test.setting['baseline']}",
            f"{test.effect:+.1f} {terminal.interval(test.clustered.interval, '.1f') if test.clustered else ''}",
            terminal.p_value(test.p_value_corrected),
            WORDS[test.verdict],
        )
    return table


def _others(families: Sequence[OtherFamily]) -> Table:
    table = _table("models", "n", "effect [naive 95%]", "less Table 3's CLIPs [naive 95%]")
    for family in families:
        interval = family.beside_clips_interval
        table.add_row(
            f"{family.source}: {family.family}",
            str(len(family.models)),
            f"{family.effect:+.1f} {terminal.interval(family.interval, '.1f')}",
            f"{family.beside_clips:+.1f} {terminal.interval(interval, '.1f') if interval else ''}",
        )
    return table


def _masked(masked: Sequence[MaskedDrop]) -> Table:
    table = _table("model", "drop [95%]", "masked [95%]", "difference [95%]", "remains", "cost: common, counter")
    for model in masked:
        table.add_row(
            model.model.removeprefix("ViT-") if model.mask == GREY else f"{model.model} (alpha)",
            *(
                f"{value:.1f} {terminal.interval(interval, '.1f')}"
                for value, interval in (
                    (model.drop, model.drop_interval),
                    (model.masked, model.masked_interval),
                    (model.removed, model.removed_interval),
                )
            ),
            f"{100 * model.remaining:.0f}%",
            f"{model.cost_common:.1f}, {model.cost_counter:.1f}",
        )
    return table


def _table(*headings: str) -> Table:
    table = terminal.narrow_table()
    for heading in headings:
        table.add_column(heading)
    return table
