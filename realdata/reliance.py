"""`python -m realdata.reliance`: whether one reliance on the background explains published accuracies (S19).

On probit axes the theory puts models that lean on the spurious feature to the same degree, and differ only in
quality, on one line through the origin, whose slope k is the index of spurious reliance tau = (1 - k) / (1 + k): 0 for
models that ignore the background, 1 for models that are right on counter photos half of the time. For each setting
and family of models this asks two questions that the theory can fail:

- does the line meet the origin? Least squares with an intercept, and a t-test that the intercept is 0. Where it is not,
  models of the family lean more or less on the background the better they are. The probits' own errors flatten the
  fitted line by the share that their variance is of the spread of the common probits, 1 to 3% here.
- is there one reliance? The models' squared distances from the line through the origin in standard errors, a
  chi-square. The errors are bounds (`realdata.photo_error`), so a rejection is safe and its absence says little.

Verdicts, at 5% after Holm's correction over all questions of all settings: `rejected` if either answer is no, with the
reason; `not rejected` otherwise. The standard error of tau is widened by the root of chi-square over its degrees of
freedom where that exceeds 1. The two families of a setting are compared by the difference of their indices.

A model whose two probits do not sum to more than 0, which is worse than chance in the theory's sense, has no index and
is left out, and counted.

What is assumed beyond the theory's two classes: an accuracy in 1000 or 20 classes, averaged over 45 of them, is read
as if it were one margin's; counter photos are taken to contradict the label always. Models count as independent draws,
though they share photos and pre-training data. Where models of both families see the same photos, that the counter
photos are merely harder moves both indices alike: the difference is what speaks of the training.
"""

import argparse
import dataclasses
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy.stats import chi2, norm
from statsmodels.stats.multitest import multipletests

from published.tables import DIRECTORY, PublishedTables, read_published_tables
from realdata import reliance_table
from realdata.claim_test import LEVEL
from realdata.photo_error import proportions, standard_errors
from realdata.reliance_result import Comparison, RelianceTest
from realdata.settings import Setting, settings
from theory.accuracy_on_the_line import Estimate, Line, fit_line, reliance_index
from workbench import program, results, terminal

_Z = float(norm.ppf(1 - LEVEL / 2))
# Fewer models than this do not show whether their line meets the origin.
FEWEST = 5


def evaluate_reliance(tables: PublishedTables) -> tuple[list[RelianceTest], list[Comparison]]:
    """Test every group of models that has at least `FEWEST` with an index; compare the families where both do."""
    tests: dict[tuple[str, ...], RelianceTest] = {}
    pairs: list[tuple[Setting, tuple[str, ...], tuple[str, ...]]] = []
    for setting in settings(tables):
        described = setting.describe()
        clips = ("clip", setting.source, *setting.tables[:1], *described.values())
        # One table of ImageNet models serves several settings, which differ in what only CLIPs have.
        of_imagenet = described | {"prompt": "none", "selector": "none"}
        imagenet = ("imagenet", setting.source, *setting.tables[1:], *of_imagenet.values())
        for key, frame, words in ((clips, setting.clips, described), (imagenet, setting.imagenet, of_imagenet)):
            found = None if key in tests else _test(key[0], setting, words, frame, tables)
            if found is not None:
                tests[key] = found
        if clips in tests and imagenet in tests:
            pairs.append((setting, clips, imagenet))
    judged = dict(zip(tests, _judged(list(tests.values())), strict=True))
    return list(judged.values()), _compared([(setting, judged[a], judged[b]) for setting, a, b in pairs])


def probits(frame: pd.DataFrame, averaging: str, classes: pd.DataFrame) -> tuple[Estimate, Estimate]:
    """Probits of the models' accuracies on common and on counter photos, arrays of shape (models,).

    Args:
        frame: a row for each model, with `common` and `counter` in %.
        averaging: `balanced` or `unbalanced`.
        classes: the photo counts of each class.
    """
    found = []
    for group in ("common", "counter"):
        photos = classes[f"{group}_photos"].to_numpy()
        shares = proportions(frame[group].to_numpy(), photos)
        values = norm.ppf(shares)
        errors = standard_errors(shares, photos, averaging) / norm.pdf(values)
        found.append(Estimate(jnp.asarray(values), jnp.asarray(errors)))
    return found[0], found[1]


@jax.jit
def _fit(common: Estimate, counter: Estimate) -> tuple[Line, Estimate]:
    return fit_line(common, counter), reliance_index(common, counter)


def _test(
    family: str, setting: Setting, described: dict[str, str], models: pd.DataFrame, tables: PublishedTables
) -> RelianceTest | None:
    """The test of one family, not yet judged; None where too few models have an index."""
    with jax.enable_x64(True):
        places = [np.asarray(part.value) for part in probits(models, setting.averaging, tables.classes)]
        frame = models[places[0] + places[1] > 0]
        if len(frame) < FEWEST:
            return None
        common, counter = probits(frame, setting.averaging, tables.classes)
        line, own = _fit(common, counter)
    freedom = len(frame) - 1
    chi_square = float(line.chi_square)
    stderr = float(line.reliance.standard_error) * max(1.0, chi_square / freedom) ** 0.5
    reliance = float(line.reliance.value)
    fit = sm.OLS(np.asarray(counter.value), sm.add_constant(np.asarray(common.value))).fit()
    rows = frame[["backbone", "pretrain", "checkpoint", "common", "counter"]].to_dict("records")
    return RelianceTest(
        source=setting.source,
        tables=setting.tables[:1] if family == "clip" else setting.tables[1:],
        setting=described,
        family=family,
        slope=float(line.slope.value),
        reliance=reliance,
        stderr=stderr,
        interval=(reliance - _Z * stderr, reliance + _Z * stderr),
        intercept=float(fit.params[0]),
        intercept_p_value=float(fit.pvalues[0]),
        chi_square=chi_square,
        chi_square_p_value=float(chi2.sf(chi_square, freedom)),
        verdict="",
        reasons=(),
        models=[
            {str(key): value for key, value in row.items()} | {"reliance": float(value), "stderr": float(error)}
            for row, value, error in zip(rows, own.value, own.standard_error, strict=True)
        ],
        left_out=len(models) - len(frame),
    )


def _judged(tests: list[RelianceTest]) -> list[RelianceTest]:
    """Correct both questions' p-values over all of them, and let the verdicts follow."""
    if not tests:
        return []
    asked = [p for test in tests for p in (test.intercept_p_value, test.chi_square_p_value)]
    rejected = multipletests(asked, alpha=LEVEL, method="holm")[0].reshape(-1, 2)
    judged = []
    for test, (misses, spread) in zip(tests, rejected, strict=True):
        reasons = []
        if misses:
            leaning = "less" if test.intercept < 0 else "more"
            reasons.append(f"better models lean {leaning}")
        if spread:
            reasons.append("they differ")
        verdict = "rejected" if reasons else "not rejected"
        judged.append(dataclasses.replace(test, verdict=verdict, reasons=tuple(reasons)))
    return judged


def _compared(pairs: list[tuple[Setting, RelianceTest, RelianceTest]]) -> list[Comparison]:
    if not pairs:
        return []
    differences = [clip.reliance - imagenet.reliance for _, clip, imagenet in pairs]
    stderrs = [float(np.hypot(clip.stderr, imagenet.stderr)) for _, clip, imagenet in pairs]
    p_values = [2 * norm.sf(abs(value) / error) for value, error in zip(differences, stderrs, strict=True)]
    corrected = multipletests(p_values, alpha=LEVEL, method="holm")[1]
    compared = []
    for (setting, *_), value, error, p_value in zip(pairs, differences, stderrs, corrected, strict=True):
        shown = "CLIPs lean more" if value > 0 else "CLIPs lean less"
        compared.append(
            Comparison(
                source=setting.source,
                tables=setting.tables,
                setting=setting.describe(),
                difference=value,
                stderr=error,
                interval=(value - _Z * error, value + _Z * error),
                p_value=float(p_value),
                verdict=shown if p_value < LEVEL else "inconclusive",
            )
        )
    return compared


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser(
        "python -m realdata.reliance",
        "The index of spurious reliance of CLIPs and ImageNet models from their published accuracies, and whether one "
        "index a family, as the theory has it (S19), explains them.",
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
    tables = read_published_tables(options.published)
    with terminal.working("fitting lines"):
        tests, comparisons = evaluate_reliance(tables)
    content = {
        "tests": [dataclasses.asdict(test) for test in tests],
        "comparisons": [dataclasses.asdict(comparison) for comparison in comparisons],
    }
    if not results.emit_json(content, options.json):
        reliance_table.show(content["tests"], content["comparisons"])


if __name__ == "__main__":
    sys.exit(main())
