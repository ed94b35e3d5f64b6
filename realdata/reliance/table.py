"""The tests of S19 on the terminal: tables, a verdict and a sentence for each result."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from realdata.reliance import curve_table
from realdata.reliance.alternatives import Alternatives
from realdata.reliance.averages import RelianceTest
from realdata.reliance.classes import ClassTest
from realdata.reliance.models import ModelIndex
from realdata.reliance.study import Study
from workbench import terminal
from workbench.conventions import LEVEL

FAMILY_NAMES = {"clip": "CLIPs", "imagenet": "ImageNet models"}


def show(study: Study, with_models: bool = False, with_classes: bool = False) -> None:
    """Print a study.

    Args:
        study: the study.
        with_models: whether to list every model.
        with_classes: whether to list every class.
    """
    console = terminal.output()
    _averages(console, study)
    _alternatives(console, study)
    if study.shapes:
        curve_table.show(console, study)
    console.print("Class by class", style="bold")
    for summary in study.summaries:
        console.print(f"{summary.verdict}: {summary.sentence}", markup=False)
        for name in summary.left_out:
            console.print(f"Left out: {name}.", markup=False)
    if with_classes:
        _classes(console, study.classes)
    _models(console, study.models, with_models)
    console.print(
        f"Assumed: p-values are corrected by Holm's method over all {study.questions} questions of this program; "
        "intervals are not corrected. Models are independent draws; averages' photo errors are bounds; in a class the "
        "errors are binomial, and the models' may share any correlation. The index of a family that is rejected is "
        "that of its best line, not of every model in it. A shift in probits is also what a background would do that "
        "moves all models by as much of their own noise: accuracies alone do not tell it from harder photos."
    )


def _averages(console: Console, study: Study) -> None:
    console.print(
        "Index of spurious reliance (S19): 0 ignores the background, 1 is right on counter photos half of the time",
        style="bold",
    )
    table = _table("setting", "models", "index [95%]", "intercept", "one index explains them")
    for test in study.tests:
        left_out = f" ({test.left_out} left out)" if test.left_out else ""
        table.add_row(
            setting_words(test.source, test.tables, test.setting),
            f"{len(test.models)} {_family(test)}{left_out}",
            _with_interval(test.reliance, test.interval),
            f"{test.intercept:+.2f}",
            ": ".join([test.verdict, *(["; ".join(test.reasons)] if test.reasons else [])]),
        )
    console.print(table)
    if study.comparisons:
        console.print("CLIPs minus ImageNet models, on the same photos", style="bold")
        table = _table("setting", "selector", "difference [95%]", "p (Holm)", "verdict", "beside one difficulty")
        for row in study.comparisons:
            beside = [other for other in study.differences if (other.source, other.tables, other.setting)
                      == (row.source, row.tables, row.setting)]  # fmt: skip
            table.add_row(
                setting_words(row.source, row.tables, row.setting),
                row.setting["selector"],
                _with_interval(row.difference, row.interval, "+"),
                terminal.p_value(row.p_value),
                row.verdict,
                "".join(f"{other.difference:+.3f}: {other.verdict}" for other in beside),
            )
        console.print(table)
    rejected = sum(test.verdict == "rejected" for test in study.tests)
    more = sum(row.verdict == "CLIPs lean more" for row in study.comparisons)
    console.print(
        f"One reliance for a family, the theory's line through the origin, is rejected in {rejected} of "
        f"{len(study.tests)} cases. CLIPs lean more on the background than ImageNet models in {more} of "
        f"{len(study.comparisons)} comparisons."
    )
    if study.differences:
        one = sum(row.difficulty_p_value_corrected >= LEVEL for row in study.differences)
        more = sum(row.verdict == "CLIPs lean more" for row in study.differences)
        most = max(max(row.clip_reliance, row.imagenet_reliance) for row in study.differences)
        console.print(
            f"One difficulty of the photos for both families is not rejected in {one} of {len(study.differences)}; "
            f"beside it CLIPs lean more in {more}, and the largest index of either family is {most:+.2f}."
        )
    console.print()


def _alternatives(console: Console, study: Study) -> None:
    console.print("What describes the averages", style="bold")
    console.print(
        "ray: reliance, guessers at 50% (S19). chance: reliance, guessers at 1 / 1000 or 1 / 20. shift: slope 1, "
        "photos harder for all. line: slope and intercept both free. AICc less the best's; p (Holm) against the line."
    )
    table = _table("setting", "models", "ray", "chance", "shift", "line", "slope [95%]", "p: shift", "verdict")
    for row in study.alternatives:
        table.add_row(
            setting_words(row.source, row.tables, row.setting),
            f"{row.models} {_family(row)}",
            *(f"{row.aicc[name]:.1f}" for name in ("ray", "chance", "shift", "line")),
            _with_interval(row.slopes["line"], row.slope_interval, digits=2),
            terminal.p_value(row.p_values_corrected["shift"]),
            row.verdict,
        )
    console.print(table)
    counts = {
        name: sum(row.p_values_corrected[name] < LEVEL for row in study.alternatives)
        for name in ("ray", "chance", "shift")
    }
    best = {name: sum(row.aicc[name] == 0 for row in study.alternatives) for name in ("shift", "line")}
    nearer = sum(row.aicc["shift"] < min(row.aicc["ray"], row.aicc["chance"]) for row in study.alternatives)
    console.print(
        f"Of {len(study.alternatives)} cases, reliance with guessers at 50% is rejected in {counts['ray']}, with "
        f"guessers at chance in {counts['chance']}, harder photos alone in {counts['shift']}; of the three the last is "
        f"the nearest in {nearer}. The best by AICc is the shift in {best['shift']} and the line in {best['line']}, "
        "whose slope above 1 is not reliance but its opposite: better models lose less of their margin.\n"
    )


def _classes(console: Console, tests: Sequence[ClassTest]) -> None:
    table = _table(
        "class", "models", "photos", "index", "scatter", "intercept [95%]", "found in 80%", "shift", "verdict"
    )
    for test in tests:
        low, high = test.intercept_interval
        ends = f"[{'<-6' if low is None else f'{low:+.1f}'}, {'>6' if high is None else f'{high:+.1f}'}]"
        table.add_row(
            f"{test.source}: {test.label}",
            str(test.models),
            f"{test.common_photos}, {test.counter_photos}",
            "none" if test.reliance is None else f"{test.reliance:.2f}",
            f"{test.overdispersion:.1f}",
            f"{test.intercept:+.1f} {ends}",
            f"{test.detectable_intercept:.2f}",
            f"{test.shift:+.2f}",
            test.verdict,
        )
    console.print(table)
    for test in tests:
        console.print(test.sentence, markup=False)  # "[below" is no style


def _models(console: Console, models: Sequence[ModelIndex], listed: bool) -> None:
    console.print("Model by model", style="bold")
    if listed:
        table = _table("setting", "rank", "model", "index [95%]", "over its classes [95%]", "spread", "verdict")
        for row in sorted(models, key=lambda row: (row.source, row.table, row.rank is None, row.rank)):
            setting = row.setting | {"selector": ""}
            of_classes = row.classwise
            table.add_row(
                setting_words(row.source, () if row.source == "replication" else (row.table,), setting),
                "" if row.rank is None else str(row.rank),
                " ".join(part for part in (row.backbone, row.pretrain, row.checkpoint) if part),
                "none"
                if row.reliance is None or row.interval is None
                else _with_interval(row.reliance, row.interval, digits=2),
                "" if of_classes is None else _with_interval(of_classes.reliance, of_classes.interval, digits=2),
                "" if of_classes is None else f"{of_classes.spread:.2f}",
                row.verdict,
            )
        console.print(table)
    counts = {verdict: sum(row.verdict == verdict for row in models) for verdict in ("above 0", "no index")}
    by_classes = [row.classwise for row in models if row.classwise is not None]
    differ = sum(found.heterogeneity_p_value_corrected < LEVEL for found in by_classes)
    words = f"{counts['above 0']} of {len(models)} indices are above 0; {counts['no index']} models have none."
    if by_classes:
        spreads = [found.spread for found in by_classes]
        words += (
            f" The index differs between classes beyond photo noise in {differ} of {len(by_classes)} models, by "
            f"{min(spreads):.2f} to {max(spreads):.2f} (one standard deviation)."
        )
    console.print(words + ("" if listed else " --models lists them."))


def setting_words(source: str, tables: Sequence[str], setting: Mapping[str, str]) -> str:
    """A setting in the words of the tables: the source, the tables, and how accuracy was measured."""
    where = " ".join([source, " and ".join(tables)]).strip()
    prompt = "" if setting["prompt"] == "none" else f" {setting['prompt']}"
    return f"{where}: {setting['setup']}{prompt} {setting['averaging']}"


def _family(row: RelianceTest | Alternatives) -> str:
    return FAMILY_NAMES[row.family] + (", no selector" if row.setting["selector"] == "excluded" else "")


def _table(*headings: str) -> Table:
    table = terminal.narrow_table()
    for heading in headings:
        table.add_column(heading, no_wrap="[95%]" in heading)
    return table


def _with_interval(value: float, interval: Sequence[float], sign: str = "", digits: int = 3) -> str:
    return f"{value:{sign}.{digits}f} [{interval[0]:{sign}.{digits}f}, {interval[1]:{sign}.{digits}f}]"
