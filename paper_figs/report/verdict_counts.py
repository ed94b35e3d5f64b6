"""Counts over the rows of claims.json: how often each verdict, and what a verdict hangs on."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

VERDICTS = ("supported", "not supported", "inconclusive")
CLAIMS = ("C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8")
# How the paper's main setting is told from the others.
MAIN = {
    "source": "paper",
    "values": "as printed",
    "selector": "included",
    "prompt": "simple",
    "averaging": "balanced",
    "setup": "1v1000",
}
# Keys of a setting that leave its tables as they are.
_SAME_TABLES = ("selector", "values")

Row = Mapping[str, Any]


def count_verdicts(rows: Iterable[Row]) -> dict[str, int]:
    """Number of tests, and of each verdict, whose name is written with an underscore."""
    verdicts = [row["verdict"] for row in rows]
    return {"tests": len(verdicts)} | {name.replace(" ", "_"): verdicts.count(name) for name in VERDICTS}


def summarise(rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """Claim to its counts, and to those of each of its questions, in the order of the rows.

    A question has the places of its rows among all (`rows`) and that of the row in the paper's main setting, or the
    nearest to it (`main`), and the pointer from that row to the interval that decides (`interval`).
    """
    summary = {}
    for claim in CLAIMS:
        places = [place for place, row in enumerate(rows) if row["claim"] == claim]
        questions = []
        for question in dict.fromkeys(rows[place]["question"] for place in places):
            of_question = [place for place in places if rows[place]["question"] == question]
            counts = count_verdicts(rows[place] for place in of_question)
            main = max(of_question, key=lambda place: _likeness(rows[place]))
            interval = "/clustered/interval" if rows[main]["decides"] == "clustered" else "/interval"
            questions.append(
                {"question": question} | counts | {"main": main, "interval": interval, "rows": of_question}
            )
        summary[claim] = count_verdicts(rows[place] for place in places) | {"questions": questions}
    return summary


def _likeness(row: Row) -> list[bool]:
    """To the main setting, in the order of importance; max() takes the first of the most alike."""
    return [_get(row, key) == value for key, value in MAIN.items()]


def _get(row: Row, key: str) -> str | None:
    return row["source"] if key == "source" else row["setting"].get(key)


def changes(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """How often the verdict differs between two tests that differ in one part of the setting and are else alike.

    One of each pair has the main setting's value of that part. Only the first of several rows of one setting is
    paired, as Table 9 repeats that of Table 3, unless the tables stay the same.
    """
    found = []
    for key, base in MAIN.items():
        groups: dict[tuple, dict[str, str]] = {}
        for row in rows:
            value = _get(row, key)
            rest = {other: _get(row, other) for other in MAIN if other != key}
            tables = tuple(row["tables"]) if key in _SAME_TABLES else ()
            verdicts = groups.setdefault((row["claim"], row["question"], tables, *rest.values()), {})
            if value is not None:
                verdicts.setdefault(value, row["verdict"])
        paired = [verdicts for verdicts in groups.values() if base in verdicts]
        for other in dict.fromkeys(value for verdicts in paired for value in verdicts if value != base):
            pairs = [(verdicts[base], verdicts[other]) for verdicts in paired if other in verdicts]
            differing = sum(first != second for first, second in pairs)
            found.append({"key": key, "from": base, "to": other, "pairs": len(pairs), "changed": differing})
    return found


def clustering(rows: Sequence[Row]) -> dict[str, int]:
    """How many tests have clustered errors, and how many have another verdict with naive ones."""
    return {
        "clustered": sum(row["clustered"] is not None for row in rows),
        "naive_differs": sum(row["verdict_naive"] != row["verdict"] for row in rows),
    }
