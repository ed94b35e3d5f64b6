"""The paper's averages against the replication's: models that disagree more than usual.

In each setup, for CLIPs and for ImageNet models, the differences paper minus replication of the common and of the
counter accuracies have a median and a median absolute deviation (MAD). A model stands out if it is further from the
median than t times 1.4826 MAD, where t is the two-sided quantile of Student's distribution at 1%, Bonferroni-corrected
for all models, groups and setups. The MAD of n normal differences is as precise as a standard deviation of 37% as many
(its efficiency), so t has 0.37 (n - 1) degrees of freedom. The limit is at least the normal quantile times the chance
effect of the photos that the replication lacks.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

import numpy as np
from scipy.stats import norm, t

from realdata.audit.finding import Ledger
from realdata.audit.printed import CellPlace, PrintedTables
from realdata.audit.replication import PhotoCount
from realdata.audit.result_rows import row_places
from workbench.conventions import GROUPS

AGREEMENT = "replication: averages"
STATEMENT = (
    "A model's averages differ from the replication's as the other models' of that setup and family do (median "
    "absolute deviation, Student's t with 0.37 (n - 1) degrees of freedom, 1% over all comparisons)."
)
_LEVEL = 0.01
_EFFICIENCY = 0.37  # efficiency of the MAD for normal data
_MODELS = 5  # the fewest models


def likeliest_cause(
    tables: PrintedTables, model: tuple[str, str], family: str, incomplete: set[tuple[str, str]]
) -> str:
    """The most likely cause of a disagreement, in a sentence.

    Args:
        tables: all files.
        model: backbone and pre-training set.
        family: `clip` or `imagenet`.
        incomplete: models without some class-wise accuracies in the replication.
    """
    if model in incomplete:
        return "Check the count: the replication has not all classes of this model, and averages those that it has."
    if family == "imagenet":
        return "Check which version of the weights was loaded, and the picture size and crop that go with it."
    hub = [row for row in tables.rows["hub_ids.csv"].values() if (row["backbone"], row["pretrain"]) == model]
    # OpenCLIP sets QuickGELU by itself for OpenAI's weights only; for others the model's name must say it.
    quick = [row for row in hub if row["quick_gelu"] == "1" and row["open_clip_tag"] != "openai"]
    if quick:
        return (
            f"Check the activation: {quick[0]['hub_id']} was trained with QuickGELU; loaded with GELU, as by default, "
            "it is less accurate, so that the lower numbers are the doubtful ones."
        )
    names = " or ".join(row["hub_id"] for row in hub)
    return f"Check the checkpoint and the picture size in its configuration ({names})."


@dataclasses.dataclass(frozen=True)
class Peers:
    """The differences between paper and replication in a setup, family and group, in points.

    Attributes:
        setup: `1v1000` or `1v20`.
        family: `clip` or `imagenet`.
        group: `common` or `counter`.
        models: number of models.
        median: median of the differences, paper minus replication.
        limits: for each model, the largest usual distance from the median.
        cells: the paper's cell of each model, and the replication's value.
    """

    setup: str
    family: str
    group: str
    models: int
    median: float
    limits: dict[CellPlace, float]
    cells: dict[CellPlace, float]

    def allows(self, place: CellPlace, value: float) -> bool:
        """Whether a value in a model's cell would differ by no more than usual."""
        return abs(value - self.cells[place] - self.median) <= self.limits[place]


def find_peers(ledger: Ledger, counts: Iterable[PhotoCount]) -> list[Peers]:
    """Pair the paper's balanced averages (prompt `simple`, or none) with the replication's.

    Args:
        ledger: the ledger with the tables.
        counts: numbers of photos, by each source.
    """
    lost = _missing_variance(list(counts))
    tables = ledger.tables
    replication = {
        (row["setup"], row["family"], *tables.model("replication_results.csv", line)): line
        for line, row in tables.rows["replication_results.csv"].items()
    }
    pairs: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    seen = set()
    for line, row in tables.rows["results.csv"].items():
        key = (row["setup"], row["family"], *tables.model("results.csv", line))
        usual = row["averaging"] == "balanced" and row["prompt"] != "openai80" and not row["checkpoint"]
        if usual and key in replication and key not in seen:
            seen.add(key)  # later tables may repeat it
            pairs[key[:2]][line] = replication[key]
    looked = 2 * sum(map(len, pairs.values()))
    peers = []
    for (setup, family), lines in pairs.items():
        for group in GROUPS if len(lines) >= _MODELS else ():
            cells = {
                CellPlace("results.csv", paper, group): float(
                    tables.value(CellPlace("replication_results.csv", other, group))
                )
                for paper, other in lines.items()
            }
            differences = np.array([float(tables.value(place)) - value for place, value in cells.items()])
            median = float(np.median(differences))
            unit = float(tables.unit(next(iter(cells))))
            # Rounding alone gives a difference of two rounded numbers a standard deviation of unit / sqrt(6).
            scale = max(1.4826 * float(np.median(np.abs(differences - median))), unit / np.sqrt(6))
            limit = scale * t.isf(_LEVEL / (2 * looked), _EFFICIENCY * (len(lines) - 1))
            least = norm.isf(_LEVEL / (2 * looked)) * np.sqrt(lost[group])
            limits = {
                place: max(float(limit), float(least * np.sqrt(value * (100 - value))))
                for place, value in cells.items()
            }
            peers.append(Peers(setup, family, group, len(lines), median, limits, cells))
    return peers


def _missing_variance(counts: Sequence[PhotoCount]) -> dict[str, float]:
    """The variance of an average from the photos that the replication lacks, over accuracy x (1 - accuracy).

    An average over m of n photos has the variance p (1 - p) (1/m - 1/n) around the average over all n. The mean of
    p (1 - p) over classes is at most its value at the average accuracy.
    """
    lost = {}
    for group in GROUPS:
        known = [each for each in counts if each.group == group and each.corrected and each.replication]
        pairs = [(each.corrected or 1, each.replication or 1) for each in known]
        lost[group] = sum(max(1 / fewer - 1 / photos, 0) for photos, fewer in pairs) / max(len(pairs), 1) ** 2
    return lost


def is_plausible(peers: Sequence[Peers], row: Mapping[CellPlace, Fraction]) -> bool:
    """Whether the replication allows the values of a row; true if it has no measurement."""
    return all(
        each.allows(place, float(value)) for each in peers for place, value in row.items() if place in each.cells
    )


def check_agreement(
    ledger: Ledger, peers: Sequence[Peers], incomplete: set[tuple[str, str]], classes: Mapping[tuple[str, str], str]
) -> None:
    """Record the models that stand out, once for each of the paper's rows.

    Args:
        ledger: the ledger to write to.
        peers: the result of `find_peers`.
        incomplete: models with fewer classes in the replication's average, which explains a difference.
        classes: sentences about the models that disagree class by class.
    """
    standing: dict[int, list[tuple[CellPlace, Peers, float]]] = defaultdict(list)
    for each in peers:
        ledger.look(AGREEMENT, each.cells)
        for place in each.cells:
            value = float(ledger.corrections.get(place) or ledger.tables.text(place))
            if not each.allows(place, value):
                standing[place.line].append((place, each, value - each.cells[place]))
    told = set()
    for line, found in standing.items():
        row = row_places("results.csv", line)
        if not any(place in ledger.corrections and ledger.corrections[place] is None for place in row):
            model = ledger.tables.model("results.csv", line)
            _write(ledger, found, incomplete, "" if model in told else classes.get(model, ""))
            told.add(model)
    for model, text in classes.items():
        if model not in told:
            lines = [line for line in ledger.tables.rows["results.csv"]
                     if ledger.tables.model("results.csv", line) == model]  # fmt: skip
            if not lines:  # this folder has fewer rows
                continue
            line = lines[0]
            place = CellPlace("results.csv", line, "common")
            cause = likeliest_cause(ledger.tables, model, "clip", incomplete)
            ledger.find(place, AGREEMENT, "warning", "the replication's", f"{text} {cause}")


def _write(
    ledger: Ledger, found: list[tuple[CellPlace, Peers, float]], incomplete: set[tuple[str, str]], classes: str
) -> None:
    tables = ledger.tables
    place, each, _ = max(found, key=lambda one: abs(one[2] - one[1].median) / one[1].limits[one[0]])
    model = tables.model(place.file, place.line)
    parts = " and ".join(f"{one[0].column} by {one[2]:+.2f}" for one in found)
    sentences = (
        f"Differs from the replication, {parts} points; the other {each.models - 1} models' {place.column} differs by "
        f"{each.median:+.2f} in the median, and up to {each.limits[place]:.2f} around that is of the usual kind.",
        classes,
        likeliest_cause(tables, model, each.family, incomplete),
    )
    ledger.find(
        place,
        AGREEMENT,
        "note" if model in incomplete else "warning",
        f"{each.cells[place] + each.median:.2f}",
        " ".join(filter(None, sentences)),
        involved=[one[0] for one in found],
    )
