"""Table 6 (checkpoints), and the controlled experiments: Table 7 (ColoredCOCO) and Table 8 (MultiColoredMNIST).

The name of a printed checkpoint gives the samples and the batch of the public one.
"""

import itertools
import re
from collections import defaultdict
from fractions import Fraction

import numpy as np

from realdata.audit.arithmetic import changes
from realdata.audit.finding import Ledger
from realdata.audit.photo_counts import LARGEST, share
from realdata.audit.printed import NUMBERS, CellPlace, PrintedTables
from realdata.audit.result_rows import check_row, row_places

CHECKPOINT = "checkpoint"
PICTURES = "whole pictures"
SPREAD = "possible spread"
DESIGN = "design of Table 8"
REPEATED = "repeated row"
STATEMENTS = {
    CHECKPOINT: "A printed checkpoint's epochs, samples seen (S) and batch (B) are those of the public checkpoint's "
    "name.",
    PICTURES: "The accuracies of Table 7 are whole numbers of one number of test pictures.",
    SPREAD: "The standard deviation of accuracies with mean m is at most sqrt(2 m (100 - m)), that of two values at "
    "the ends.",
    DESIGN: "Table 8 trains on one number of samples for each number of classes; more than 2 classes have a rest.",
    REPEATED: "Two rows of Table 7 or 8 do not share every number.",
}
_PART = re.compile(r"[esb]\d+[mbk]?")  # e31, s34b, b160k
_COCO, _MNIST = "colored_coco.csv", "multicolored_mnist.csv"
_LOWEST_FIT = 1e-3  # highest probability that random numbers fit a number of images


def check_checkpoints(ledger: Ledger) -> None:
    """Compare Table 6, and the checkpoints in the tables of accuracies, with the public names."""
    tables = ledger.tables
    public = {
        (row["backbone"], row["pretrain"], row["checkpoint"]): row["open_clip_tag"]
        for row in tables.rows["hub_ids.csv"].values()
    }
    for line, row in tables.rows["checkpoints.csv"].items():
        place = CellPlace("checkpoints.csv", line, "checkpoint")
        tag = public.get((row["backbone"], row["pretrain"], row["checkpoint"]))
        if tag is None:
            ledger.find(
                place,
                CHECKPOINT,
                "warning",
                " or ".join(sorted(
                    name for backbone, pretrain, name in public if (backbone, pretrain) == tables.model(*place[:2])
                )) or "a public checkpoint",
                "No public checkpoint of this model has this name.",
            )  # fmt: skip
            continue
        ledger.look(CHECKPOINT, (place,))
        if not _parts(row["checkpoint"]) <= _parts(tag):
            _write_checkpoint(ledger, place, tag)


def _parts(text: str) -> set[str]:
    return {word for word in re.split(r"[\s_]+", text.lower()) if _PART.fullmatch(word)}


def _write_checkpoint(ledger: Ledger, place: CellPlace, tag: str) -> None:
    tables = ledger.tables
    text = tables.text(place)
    fitting = [proposal for proposal in changes(text) if _parts(proposal.value) <= _parts(tag)]
    twin = _same_elsewhere(tables, place)
    copied = f"; {' '.join(sorted(_parts(text))).upper()} stands at {twin}, perhaps copied from there" if twin else ""
    ledger.find(
        place,
        CHECKPOINT,
        "warning",
        tag,
        f"The public checkpoint of this model is {tag}{copied}.",
        fitting[0] if len(fitting) == 1 else None,
    )


def _same_elsewhere(tables: PrintedTables, place: CellPlace) -> str | None:
    for line, row in tables.rows[place.file].items():
        if line != place.line and _parts(row["checkpoint"]) == _parts(tables.text(place)):
            return tables.words(place._replace(line=line))
    return None


def check_colored(ledger: Ledger) -> None:
    """Check Tables 7 and 8."""
    tables = ledger.tables
    cells = [place for place in tables.places(_COCO) if place.column != "drop"]
    images = _image_count(tables, cells)
    if images:
        ledger.look(PICTURES, cells)
    wrong = {place for place in cells if images and not _fits(tables, place, tables.value(place), images)}
    for line in tables.rows[_COCO]:
        row = row_places(_COCO, line, NUMBERS[_COCO])  # type: ignore[arg-type]
        doubted = [place for place in row if place in wrong]
        check_row(
            ledger,
            row,
            {},
            lambda place, value: not images or place.column == "drop" or _fits(tables, place, value, images),
            doubted,
        )
        for place in doubted:
            if not ledger.has_finding(place):
                ledger.find(
                    place,
                    PICTURES,
                    "error",
                    f"a whole number of {images} pictures",
                    f"{images} test pictures suit all the other accuracies of the table.",
                )
    _check_design(ledger)
    for file in (_COCO, _MNIST):
        _check_repeated(ledger, file)


def _fits(tables: PrintedTables, place: CellPlace, value: Fraction, images: int) -> bool:
    return share(value, tables.unit(place), images) is not None


def _image_count(tables: PrintedTables, cells: list[CellPlace]) -> int | None:
    """The smallest number of images that fits all accuracies, or all but one."""
    values = np.array([float(tables.value(place)) for place in cells])
    unit = float(tables.unit(cells[0]))
    sizes = np.arange(1, LARGEST + 1)[:, None]
    misses = (np.abs(100 * np.round(values * sizes / 100) / sizes - values) > unit / 2 * (1 + 1e-6)).sum(axis=1)
    # A random accuracy fits n images with probability n * unit / 100; the least likely n is chosen.
    chances = np.minimum(1.0, sizes[:, 0] * unit / 100) ** (len(cells) - misses)
    best = int(chances.argmin())
    return best + 1 if misses[best] <= 1 and LARGEST * len(cells) * chances[best] < _LOWEST_FIT else None


def _check_design(ledger: Ledger) -> None:
    tables = ledger.tables
    samples: dict[str, str] = {}
    for line, row in tables.rows[_MNIST].items():
        places = {column: CellPlace(_MNIST, line, column) for column in (*NUMBERS[_MNIST], "samples")}
        ledger.look(SPREAD, (place for name, place in places.items() if name != "samples" and row[name]))
        for name in ("rand", "rev", "rest"):
            mean, std = row[f"{name}_mean"], row[f"{name}_std"]
            bare = row["classes"] == "2" and name == "rest"
            if (mean == "") != bare or (std == "") != bare:
                place = places[f"{name}_mean"]
                expected = "nothing" if bare else "a mean and its deviation"
                ledger.find(place, DESIGN, "error", expected, f"With {row['classes']} classes there is {expected}.")
            elif mean:
                largest = (2 * Fraction(mean) * (100 - Fraction(mean))) ** Fraction(1, 2)
                if not 0 <= float(std) <= float(largest) + float(tables.unit(places[f"{name}_std"])):
                    ledger.find(
                        places[f"{name}_std"],
                        SPREAD,
                        "error",
                        f"0 to {float(largest):.2f}",
                        f"Accuracies with mean {mean} cannot have a standard deviation of {std}.",
                    )
        if samples.setdefault(row["classes"], row["samples"]) != row["samples"]:
            ledger.find(
                places["samples"],
                DESIGN,
                "error",
                samples[row["classes"]],
                f"The other rows of {row['classes']} classes have {samples[row['classes']]} samples.",
            )


def _check_repeated(ledger: Ledger, file: str) -> None:
    tables = ledger.tables
    rows = defaultdict(list)
    for line, row in tables.rows[file].items():
        ledger.look(REPEATED, (CellPlace(file, line, column) for column in NUMBERS[file] if row[column]))
        rows[tuple(row[column] for column in NUMBERS[file])].append(line)
    for lines in rows.values():
        for first, line in itertools.pairwise(lines):
            ledger.find(
                CellPlace(file, line, NUMBERS[file][0]),
                REPEATED,
                "error",
                "other numbers",
                f"Every number is that of {tables.words(CellPlace(file, first, NUMBERS[file][0]))}: a copy.",
            )
