"""Numbers of photos recovered from the replication's exact fractions, and its cells that are no such fraction.

An accuracy given to six decimals is k/n for few n. The smallest n that suits nearly all models of a class and group is
the number of photos that the replication had, or a divisor of it, if every model's count shares a factor with it.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from realdata.audit.finding import Ledger
from realdata.audit.photo_counts import COUNT, LARGEST, Key, photo_places
from realdata.audit.printed import GROUPS, Place

FRACTION = "replication: whole photos"
MORE = "replication: photo count"
STATEMENTS = {
    FRACTION: "The replication's class-wise accuracies are whole numbers of the photos that its other models saw.",
    MORE: "The replication has at most as many photos of a class and group as the paper prints.",
}
_FILE = "replication_classwise.csv"
_MODELS = 3  # that are needed
_AGREEING = 0.8  # share of the models that one number of photos must suit
_FEW = 0.9  # share of the printed photos below which it is noted


@dataclasses.dataclass(frozen=True)
class PhotoCount:
    """How many photos a class and group has, by each source.

    Attributes:
        class_id: of the class.
        group: `common` or `counter`.
        printed: by the paper.
        corrected: the paper's number, corrected where it is wrong; None if that is not known.
        replication: recovered from the replication; None where too few models are published.
    """

    class_id: str
    group: str
    printed: int
    corrected: int | None
    replication: int | None


def check_replication_counts(ledger: Ledger, photos: Mapping[Key, int | None]) -> dict[Key, PhotoCount]:
    """Recover the replication's numbers of photos and compare them with the paper's.

    Args:
        ledger: for what is found.
        photos: the paper's, corrected.
    """
    tables = ledger.tables
    ids = {row["imagenet_index"]: row["class_id"] for row in tables.rows["classes.csv"].values()}
    cells: dict[Key, list[Place]] = defaultdict(list)
    for line, row in tables.rows[_FILE].items():
        for group in GROUPS:
            if row[group] != "":
                cells[ids[row["imagenet_index"]], group].append(Place(_FILE, line, group))
    counts = {}
    for key, place in photo_places(tables).items():
        recovered = _recover(ledger, cells[key], photos[key])
        counts[key] = PhotoCount(*key, int(tables.value(place)), photos[key], recovered)
        if recovered is not None:
            ledger.look(MORE, (place,))
            _compare(ledger, place, counts[key])
    return counts


def _recover(ledger: Ledger, cells: list[Place], paper: int | None) -> int | None:
    tables = ledger.tables
    if len(cells) < _MODELS:
        return None
    values = np.array([float(tables.value(place)) for place in cells])
    half = float(tables.unit(cells[0])) / 2 * (1 + 1e-6)
    sizes = np.arange(1, LARGEST + 1)[:, None]
    suits = np.abs(100 * np.round(values * sizes / 100) / sizes - values) <= half
    total = suits.sum(axis=1)
    # The smallest of the best; up to the paper's number if one of those will do, since all have large multiples.
    best = int(total[:paper].argmax())
    if total[best] < _AGREEING * len(values):
        best = int(total.argmax())
    if total[best] < _AGREEING * len(values):
        return None
    photos = int(sizes[best, 0])
    ledger.look(FRACTION, cells)
    for place, fits in zip(cells, suits[best], strict=True):
        if not fits:
            ledger.find(
                place,
                FRACTION,
                "error",
                f"a whole number of {photos} photos",
                f"{photos} photos suit the {total[best]} other models' accuracies, and not this one: an evaluation "
                "that had not ended, or another set of photos.",
                corrected={place: None},
            )
    return photos


def _compare(ledger: Ledger, place: Place, count: PhotoCount) -> None:
    have, paper = count.replication, count.corrected
    if have is None or paper is None or (ledger.found(place) and have <= paper):
        return
    if have > paper:
        ledger.find(
            place,
            MORE,
            "warning",
            str(have),
            f"The replication's fractions are of {have} photos, more than are printed.",
        )
    elif have < _FEW * paper and not ledger.found(place, "note") and ledger.confirmed(place, COUNT):
        ledger.find(
            place,
            MORE,
            "note",
            str(have),
            f"The replication's fractions are of {have} photos (or a multiple); the paper's of {paper}, which all its "
            "models' accuracies confirm: the replication lacked some.",
        )
