"""The primary tests on one screen, and what other methods say of them."""

from collections.abc import Sequence

from realdata.claims.both_sources import BothSources
from realdata.claims.c9_contrast import CONTRAST, ELSEWHERE, HERE
from realdata.claims.claim_test import INCONCLUSIVE
from realdata.claims.masked_drop import MaskedDrop
from realdata.claims.power import Detectable
from realdata.claims.primary import PrimaryTest
from workbench import terminal

WORDS = {
    ("C1", "drop"): "every CLIP loses",
    ("C2", "effective robustness"): "CLIPs lose more, as accurate",
    ("C3", "model size: drop"): "ten times the tower: less loss",
    ("C3", "model size: effective robustness"): "  the same, as accurate",
    ("C4", "data size: drop"): "ten times the data: no less",
    ("C4", "data size: effective robustness"): "  the same, as accurate",
    ("C5", "filtered data: drop"): "filtered data: less loss",
    ("C5", "filtered data: effective robustness"): "  the same, as accurate",
    ("C6", "drop"): "language models lose, too",
    ("C8", "colours reversed"): "contrastive as supervised",
    ("C9", CONTRAST): "lead elsewhere, not so here",
    ("C9", ELSEWHERE): "  lead on other test sets",
    ("C9", HERE): "  lead on counter photos",
}
RULE = (
    "One primary test for each claim, by a rule that looks at no result: the paper's numbers as the audit corrects "
    "them, its main setting (1v1000, one prompt, class-balanced), without the CLIP that selected the photos. Points; "
    "95%; CR2 errors by data or architecture, whichever says less, with the line's and the photos' own; p by Holm over "
    "the primary tests. Settings: in how many the question was asked, and from where to where the effects go. Indented "
    "rows are not judged. --all: every setting and other methods."
)


def show(primary: Sequence[PrimaryTest], detectable: Sequence[Detectable], masked: Sequence[MaskedDrop]) -> None:
    """Print the primary tests, the drop that masks leave, and what cannot be seen.

    Args:
        primary: from `realdata.claims.primary.judge_primary`.
        detectable: the least effects that these can show.
        masked: drops without the background, their mean last.
    """
    console = terminal.output()
    table = terminal.narrow_table()
    for heading in ("", "claim", "n", "effect [95%]", "p", "answer", "settings"):
        table.add_column(heading, no_wrap=True)
    theorem = ("C7", "the loss learns the background", "", "", "", "theorem (S7)", "")
    last = ""
    for test in primary:
        if last < "C7" < test.claim:
            table.add_row(*theorem)
        table.add_row("" if test.claim == last else test.claim, *_row(test))
        if test.claim == "C1" and masked:
            table.add_row("", *_masked_row(masked[-1], len(masked) - 2))
        last = test.claim
    console.print(table)
    console.print(RULE)
    words = describe_detectable(primary, detectable)
    if words:
        console.print(words)


def _row(test: PrimaryTest) -> tuple[str, ...]:
    many = test.settings > 1 and test.lowest is not None
    return (
        WORDS.get((test.claim, test.question), test.question),
        str(test.models),
        f"{test.effect:+.1f} {terminal.interval(test.interval, '.1f')}",
        "" if test.p_value_holm is None else terminal.p_value(test.p_value_holm),
        test.verdict or "",
        f"{test.settings}: {test.lowest:+.1f}, {test.highest:+.1f}" if many else "",
    )


def _masked_row(mean: MaskedDrop, models: int) -> tuple[str, ...]:
    return (
        "  left without background",
        str(models),
        f"{mean.masked:+.1f} {terminal.interval(mean.masked_interval, '.1f')}",
        "",
        f"{100 * mean.remaining:.0f}% of {mean.drop:.1f} remain",
        "other models",
    )


def describe_detectable(primary: Sequence[PrimaryTest], detectable: Sequence[Detectable]) -> str:
    """For each claim that is inconclusive, the least effect that could have been seen."""
    least = {(each.claim, each.question): each.effect for each in detectable}
    seen, never = [], []
    for test in primary:
        if test.verdict == INCONCLUSIVE and (test.claim, test.question) in least:
            effect = least[test.claim, test.question]
            if effect is None:
                never.append(f"{test.claim}, since {test.undecidable}")
            else:
                seen.append(f"{effect:.1f} points ({test.claim})")
    words = (
        [f"With the data there are, an effect under {' or '.join(seen)} cannot be seen (80% power)."] if seen else []
    )
    words += [f"None can be seen of {each}." for each in never]
    return " ".join(words)


def show_methods(primary: Sequence[PrimaryTest], both: BothSources | None) -> None:
    """Print what other methods say of each primary test, and what the second source adds.

    Args:
        primary: from `realdata.claims.primary.judge_primary`.
        both: both sources in one model.
    """
    console = terminal.output()
    console.print("Other methods for the primary tests and those beside them (points; p not corrected)", style="bold")
    table = terminal.narrow_table()
    for heading in ("", "claim", "method", "95%", "df", "p"):
        table.add_column(heading)
    for test in primary:
        for place, check in enumerate(test.checks):
            smallest = "" if check.smallest is None else f" (at least {check.smallest:.2g})"
            table.add_row(
                "" if place else test.claim,
                "" if place else WORDS.get((test.claim, test.question), test.question).strip(),
                check.method,
                terminal.interval(check.interval, ".1f") if check.interval else "",
                "" if check.freedom is None else f"{check.freedom:.1f}",
                terminal.p_value(check.p_value) + smallest,
            )
        if test.other_photos:
            table.add_row("", "", "for other photos, at most", terminal.interval(test.other_photos, ".1f"), "", "")
    console.print(table)
    if both:
        console.print(describe_sources(both))
    console.print()


def describe_sources(both: BothSources) -> str:
    """What the second source adds, in words."""
    name, difference = both.apart
    return (
        f"Both sources in one model (C2): the replication measured {both.repeated} of the paper's {both.models} CLIPs "
        f"again, and {both.added or 'none'} besides. The mean is {both.effect:+.1f} "
        f"{terminal.interval(both.interval, '.1f')} with it and {both.effect_alone:+.1f} without; its variance is "
        f"{both.gained:.0f}% smaller. Measurement adds {both.deviations['measurement']:.1f} points to a model's own "
        f"{both.deviations['checkpoint']:.1f}, most of it in one model ({name}, {difference:+.1f})."
    )
