"""`python -m realdata.claims`: the paper's claims C1 and C2 put to the published accuracies, with statistics.

C1, every CLIP loses accuracy from the common to the counter photos. For each CLIP the drop and its interval, from the
number of photos (a bound, see `realdata.photo_error`; the two groups are different photos, so their errors add in
squares). The claim is about every CLIP, so its p-value is the largest of the models' one-sided ones (an
intersection-union test). The effect is the mean drop; its error assumes the models' errors perfectly correlated, since
they saw the same photos.

C2, at the same common accuracy, ImageNet models lose less than CLIPs. The effect is the mean effective robustness of
the CLIPs, in points, and the test is the joint one of `realdata.effective_robustness`.

Verdicts. `supported`: the test rejects "no effect" in the claimed direction, at 5% after Holm's correction over all
settings of a claim. `not supported`: it rejects in the opposite direction (C1: some CLIP gains accuracy).
`inconclusive`: neither.
"""

import argparse
import dataclasses
import sys
from typing import Any

import numpy as np
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests

from published.tables import DIRECTORY, PublishedTables, read_published_tables
from realdata import claims_table
from realdata.claim_test import LEVEL, ClaimTest
from realdata.effective_robustness import EffectiveRobustness, effective_robustness
from realdata.photo_error import proportions, standard_errors
from realdata.settings import Setting, is_repeated, settings
from workbench import program, results
from workbench.errors import InputError

_Z = float(norm.ppf(1 - LEVEL / 2))


def evaluate_claims(tables: PublishedTables) -> list[ClaimTest]:
    """Test C1 and C2 in every setting that the tables offer.

    Raises:
        InputError: the tables hold too few models for a test.
    """
    offered = list(settings(tables))
    if not offered:
        raise InputError("results.csv: holds no row of family 'clip', so there is no claim to test")
    drops = [_test_drop(setting, tables) for setting in offered]
    # Several checkpoints of one model (Table 9) are no new setting for C2.
    comparable = [setting for setting in offered if len(setting.imagenet) and not is_repeated(setting, offered)]
    return _corrected(drops) + _corrected([_test_robustness(setting, tables) for setting in comparable])


def _test_drop(setting: Setting, tables: PublishedTables) -> ClaimTest:
    errors = {}
    for group in ("common", "counter"):
        photos = tables.classes[f"{group}_photos"].to_numpy()
        shares = proportions(setting.clips[group].to_numpy(), photos)
        errors[group] = standard_errors(shares, photos, setting.averaging)
    drops = (setting.clips["common"] - setting.clips["counter"]).to_numpy()
    stderrs = 100 * np.hypot(errors["common"], errors["counter"])
    models = [
        model | {"drop": float(drop), "stderr": float(stderr), "interval": _interval(drop, stderr)}
        for model, drop, stderr in zip(_models(setting), drops, stderrs, strict=True)
    ]
    effect, stderr = float(np.mean(drops)), float(np.mean(stderrs))
    p_value = float(np.max(norm.sf(drops / stderrs)))
    p_opposite = min(1.0, len(drops) * float(np.min(norm.cdf(drops / stderrs))))  # some CLIP gains (Bonferroni)
    notes = [
        f"{model['backbone']} {model['pretrain']} {model['checkpoint']}: its drop of {model['drop']:.2f} points, at "
        f"{model['common']:.2f}% common accuracy, is not shown to be above 0"
        for model in models
        if model["interval"][0] <= 0
    ]
    return ClaimTest(
        "C1",
        setting.source,
        setting.tables[:1],
        setting.describe(),
        effect,
        stderr,
        _interval(effect, stderr),
        p_value,
        p_value,
        p_opposite,
        "",
        models,
        notes,
    )


def setting_robustness(setting: Setting, tables: PublishedTables) -> EffectiveRobustness:
    """Effective robustness of a setting's CLIPs against the line through its ImageNet models.

    Raises:
        InputError: too few models, or no line through them.
    """
    clips, imagenet = (
        {
            group: proportions(frame[group].to_numpy(), tables.classes[f"{group}_photos"].to_numpy())
            for group in ("common", "counter")
        }
        for frame in (setting.clips, setting.imagenet)
    )
    try:
        return effective_robustness(imagenet["common"], imagenet["counter"], clips["common"], clips["counter"])
    except ValueError as error:
        file = "results.csv" if setting.source == "paper" else "replication_results.csv"
        raise InputError(f"{file}: {setting.setup}, {setting.averaging}: {error}") from error


def _test_robustness(setting: Setting, tables: PublishedTables) -> ClaimTest:
    result = setting_robustness(setting, tables)
    models = [
        model | {"effective_robustness": float(value), "interval": (float(low), float(high))}
        for model, value, (low, high) in zip(_models(setting), result.values, result.intervals, strict=True)
    ]
    notes = []
    if result.extrapolated:
        notes.append(
            f"{result.extrapolated} of {len(models)} CLIPs lie outside the ImageNet models' range of common accuracy, "
            "where the line is extrapolated"
        )
    return ClaimTest(
        "C2",
        setting.source,
        setting.tables,
        setting.describe(),
        result.mean,
        result.stderr,
        result.interval,
        result.p_value,
        result.p_value,
        result.p_value,
        "",
        models,
        notes,
    )


def _corrected(tests: list[ClaimTest]) -> list[ClaimTest]:
    """Correct p-values over the settings of one claim, in both directions, and let the verdicts follow."""
    if not tests:
        return []
    claimed = multipletests([test.p_value for test in tests], alpha=LEVEL, method="holm")[1]
    opposite = multipletests([test.p_value_opposite for test in tests], alpha=LEVEL, method="holm")[1]
    final = []
    for test, p_claimed, p_opposite in zip(tests, claimed, opposite, strict=True):
        as_claimed = test.effect < 0 if test.claim == "C2" else True  # C2's test is two-sided
        if as_claimed and p_claimed < LEVEL:
            verdict = "supported"
        elif (test.claim == "C1" or not as_claimed) and p_opposite < LEVEL:
            verdict = "not supported"
        else:
            verdict = "inconclusive"
        final.append(dataclasses.replace(test, p_value_corrected=float(p_claimed), verdict=verdict))
    return final


def _interval(value: float, stderr: float) -> tuple[float, float]:
    return (float(value - _Z * stderr), float(value + _Z * stderr))


def _models(setting: Setting) -> list[dict[str, Any]]:
    columns = ["backbone", "pretrain", "checkpoint", "common", "counter"]
    return [dict(zip(columns, row, strict=True)) for row in setting.clips[columns].itertuples(index=False)]


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser(
        "python -m realdata.claims",
        "Put two claims of the paper to the published CounterAnimal accuracies: every CLIP loses accuracy on counter "
        "photos (C1), and more than ImageNet models of the same common accuracy do (C2).",
    )
    parser.add_argument(
        "--published",
        type=program.path,
        default=DIRECTORY,
        metavar="DIR",
        help="folder of tables to read instead of our own",
    )
    program.add_json_option(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    tests = evaluate_claims(read_published_tables(options.published))
    if not results.emit_json({"claims": [dataclasses.asdict(test) for test in tests]}, options.json):
        claims_table.show(tests)


if __name__ == "__main__":
    sys.exit(main())
