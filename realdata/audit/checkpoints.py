"""A printed checkpoint names the samples and the batch of the public one."""

import re

from realdata.audit.digits import changes
from realdata.audit.finding import Ledger
from realdata.audit.printed import Place, PrintedTables

CHECKPOINT = "checkpoint"
STATEMENT = "A printed checkpoint's epochs, samples seen (S) and batch (B) are those of the public checkpoint's name."
_PART = re.compile(r"[esb]\d+[mbk]?")  # e31, s34b, b160k


def check_checkpoints(ledger: Ledger) -> None:
    """Compare Table 6, and the checkpoints named in the tables of accuracies, with the public names."""
    tables = ledger.tables
    public = {
        (row["backbone"], row["pretrain"], row["checkpoint"]): row["open_clip_tag"]
        for row in tables.rows["hub_ids.csv"].values()
    }
    for line, row in tables.rows["checkpoints.csv"].items():
        place = Place("checkpoints.csv", line, "checkpoint")
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
            _write(ledger, place, tag)


def _parts(text: str) -> set[str]:
    return {word for word in re.split(r"[\s_]+", text.lower()) if _PART.fullmatch(word)}


def _write(ledger: Ledger, place: Place, tag: str) -> None:
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


def _same_elsewhere(tables: PrintedTables, place: Place) -> str | None:
    for line, row in tables.rows[place.file].items():
        if line != place.line and _parts(row["checkpoint"]) == _parts(tables.text(place)):
            return tables.words(place._replace(line=line))
    return None
