"""What the page counts in the other result files: the content of report.json, written beside the page."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from paper_figs.report.place import REPORT, SOURCES, remedy
from paper_figs.saved_result import Shape, check_shape
from realdata.claims.c9_shifts import GROUP_NAMES
from realdata.claims.masked_drop import ALL, GREY
from realdata.claims.wider_table import is_primary
from workbench import results

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
    """Count the verdicts of each claim, and of each of its questions, in the order of the rows.

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
    """Which parts of a row's setting are those of the main one, the most important first, for `max` to compare."""
    return [_get(row, key) == value for key, value in MAIN.items()]


def _get(row: Row, key: str) -> str | None:
    return row["source"] if key == "source" else row["setting"].get(key)


def changes(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Count how often two tests that differ in one part of the setting alone have different verdicts.

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


# Pattern of a JSON pointer to how the number there is counted.
HOW = {
    "/claims/*/tests": "rows of claims.json of that claim, or of that question of it",
    "/claims/*/supported": "of those, with that verdict",
    "/claims/*/not_supported": "of those, with that verdict",
    "/claims/*/inconclusive": "of those, with that verdict",
    "/claims/*/main": "place in claims.json of the question's row in the paper's main setting, or the nearest to it",
    "/claims/*/rows/*": "places in claims.json of the question's rows",
    "/all/*": "the same counts, over all rows of claims.json",
    "/models/*": "models of the row of claims.json in that place",
    "/changes/*/pairs": "pairs of rows of claims.json that differ in that part of the setting and in nothing else",
    "/changes/*/changed": "of those, with different verdicts",
    "/clustering/clustered": "rows of claims.json with clustered errors",
    "/clustering/naive_differs": "rows of claims.json with another verdict where the errors are naive",
    "/shifts/*": "rows of claims.json's other_shifts that the page shows, by test sets, and those with that verdict",
    "/masked/*": "models of claims.json's masked_drops on grey; of those, whose own interval shows a smaller drop "
    "without the background, and a drop that remains",
    "/audit/tables/*": "findings of audit.json by table and severity",
    "/audit/*": "findings of audit.json by severity, those with a proposal, its cells, those that a rule looked at, "
    "its corrections",
    "/reliance/*": "tests of reliance.json, those rejected, its comparisons, those that tell the families apart",
    "/selector/*": "settings of selector.json, those that show an excess",
    "/synthetic/*": "verdicts of contrastive/result.json by kind",
    "/map/*": "points of map.json by verdict",
    "/digits/*": "comparisons of colored_digits_table/table.json by verdict",
    "/repairs/*": "rows of repairs/result.json with a closed form, and of those, rows that agree with it",
    "/digits_repairs/changes": "changes of repairs_digits/result.json on common and on counter photos",
    "/digits_repairs/agree": "of those, as predicted within sampling error",
    "/digits_repairs/captions/*": "repairs of repairs_digits/result.json with those captions; of those, whose change "
    "on counter photos is above 0, or below it, by over two standard errors; places there of the plain prompt's row "
    "and of the row with the largest change of the worst group",
}
_SEVERITIES = {"errors": "error", "warnings": "warning", "notes": "note"}


def derive(contents: Mapping[str, Mapping]) -> dict[str, Any]:
    """Count what the page says about the result files.

    Args:
        contents: name of a result file to its content; files may be missing.

    Returns:
        The content of report.json; parts of files that are missing are missing.

    Raises:
        InputError: a file lacks a value, which is named.
    """
    counted: dict[str, Any] = {"how": HOW}
    for file, (shape, count) in _COUNTS.items():
        if file in contents:
            check_shape(contents[file], shape, file, remedy(file))
            counted |= count(contents[file])
    counted["missing"] = [file for file in SOURCES if file not in contents and file not in (REPORT, "added.json")]
    counted["versions"] = results.versions("numpy", "scipy", "pandas", "statsmodels", "matplotlib", "Jinja2")
    return results.as_read_back(counted)


def _claims(content: Mapping) -> dict[str, Any]:
    rows = content["claims"]
    wider = {name: count(content[key]) for name, key, count in _WIDER if content.get(key)}
    return wider | {
        "claims": summarise(rows),
        "all": count_verdicts(rows),
        "models": [len(row["models"]) for row in rows],
        "changes": changes(rows),
        "clustering": clustering(rows),
    }


def _shifts(rows: Sequence[Row]) -> dict[str, Any]:
    """Verdicts on each half of C9, and the places of the rows that the page shows."""
    shown = [place for place, row in enumerate(rows) if is_primary(row["source"], row["setting"])]
    halves = {
        source: count_verdicts(rows[place] for place in shown if rows[place]["source"] == source)
        for source in GROUP_NAMES.values()
    }
    return halves | {"rows": shown}


def _masked(models: Sequence[Row]) -> dict[str, int]:
    single = [model for model in models if model["mask"] == GREY and model["model"] != ALL]
    return {
        "models": len(single),
        "smaller": sum(model["removed_interval"][0] > 0 for model in single),
        "remaining": sum(model["masked_interval"][0] > 0 for model in single),
        "mean": next(place for place, model in enumerate(models) if model["model"] == ALL),
    }


# Name in report.json, list in claims.json, and how it is counted.
_WIDER = (("shifts", "other_shifts", _shifts), ("masked", "masked_drops", _masked))


def _audit(content: Mapping) -> dict[str, Any]:
    findings = content["findings"]
    counts: dict[str, Any] = _severities(findings)
    counts["proposals"] = sum(finding["proposal"] is not None for finding in findings)
    counts["cells"] = len(content["cells"])
    counts["checked"] = sum(cell["status"] != "unchecked" for cell in content["cells"])
    counts["corrections"] = len(content["corrections"])
    counts["left_out"] = sum(correction["corrected"] is None for correction in content["corrections"])
    counts["tables"] = [
        {"table": table} | _severities([finding for finding in findings if finding["table"] == table])
        for table in dict.fromkeys(finding["table"] for finding in findings)
    ]
    return {"audit": counts}


def _severities(findings: Sequence[Mapping]) -> dict[str, int]:
    found = Counter(finding["severity"] for finding in findings)
    return {"findings": len(findings)} | {name: found[severity] for name, severity in _SEVERITIES.items()}


def _reliance(content: Mapping) -> dict[str, Any]:
    tests, comparisons = content["tests"], content["comparisons"]
    return {
        "reliance": {
            "tests": len(tests),
            "rejected": sum(test["verdict"] == "rejected" for test in tests),
            "comparisons": len(comparisons),
            "told_apart": sum(comparison["verdict"] != "inconclusive" for comparison in comparisons),
        }
    }


def _selector(content: Mapping) -> dict[str, Any]:
    shown = sum(setting["verdict"] == "excess shown" for setting in content["settings"])
    return {"selector": {"settings": len(content["settings"]), "shown": shown}}


def _synthetic(content: Mapping) -> dict[str, Any]:
    return {"synthetic": _robustness([row["verdict"] for row in content["verdict"]["comparisons"]])}


def _map(content: Mapping) -> dict[str, Any]:
    return {"map": _robustness([row["verdict"] for row in content["map"]])}


def _robustness(verdicts: Sequence[str]) -> dict[str, int]:
    more, less = (verdicts.count(word) for word in ("more robust", "less robust"))
    return {"points": len(verdicts), "more": more, "less": less, "neither": len(verdicts) - more - less}


def _digits(content: Mapping) -> dict[str, Any]:
    verdicts = [row["verdict"] for row in content["equivalence"]["comparisons"]]
    kinds = ("equal", "different", "inconclusive")
    return {"digits": {"comparisons": len(verdicts)} | {kind: verdicts.count(kind) for kind in kinds}}


def _repairs(content: Mapping) -> dict[str, Any]:
    known = [row for row in content["results"] if row["agrees"] is not None]
    return {"repairs": {"known": len(known), "agree": sum(row["agrees"] for row in known)}}


def _digits_repairs(content: Mapping) -> dict[str, Any]:
    rows = content["results"]
    judged = [said for row in rows for said in (row["agrees"] or {}).values()]
    return {
        "digits_repairs": {
            "changes": len(judged),
            "agree": judged.count("yes"),
            "captions": [_of_captions(rows, mention) for mention in content["config"]["mention_spu"]],
        }
    }


def _of_captions(rows: Sequence[Row], mention: float) -> dict[str, int]:
    places = [place for place, row in enumerate(rows) if row["mention_spu"] == mention]
    (plain,) = (place for place in places if rows[place]["agrees"] is None)
    repairs = [place for place in places if place != plain]
    moved = [(rows[place]["change"]["counter"], 2 * rows[place]["change_stderr"]["counter"]) for place in repairs]
    return {
        "plain": plain,
        "repairs": len(repairs),
        "raise": sum(change > error for change, error in moved),
        "lower": sum(change < -error for change, error in moved),
        "best": max(repairs, key=lambda place: rows[place]["change"]["worst"]),
    }


# Result file to what is counted there, and how.
_COUNTS: dict[str, tuple[Shape, Callable[[Mapping], dict[str, Any]]]] = {
    "claims.json": (
        {
            **{
                f"/claims/*/{key}": str
                for key in ("claim", "question", "source", "verdict", "verdict_naive", "decides")
            },
            **{f"/claims/*/{key}": list for key in ("tables", "models")},
            "/claims/*/setting": dict,
            "/claims/*/clustered": dict | None,
        },
        _claims,
    ),
    "audit.json": (
        {
            **{f"/findings/*/{key}": str for key in ("severity", "table")},
            "/findings/*/proposal": dict | None,
            "/cells/*/status": str,
            "/corrections/*/corrected": object,
        },
        _audit,
    ),
    "reliance.json": ({"/tests/*/verdict": str, "/comparisons/*/verdict": str}, _reliance),
    "selector.json": ({"/settings/*/verdict": str}, _selector),
    "contrastive/result.json": ({"/verdict/comparisons/*/verdict": str}, _synthetic),
    "map.json": ({"/map/*/verdict": str | None}, _map),
    "colored_digits_table/table.json": ({"/equivalence/comparisons/*/verdict": str}, _digits),
    "repairs/result.json": ({"/results/*/agrees": bool | None}, _repairs),
    "repairs_digits/result.json": (
        {
            "/config/mention_spu": list,
            "/results/*/mention_spu": int | float,
            "/results/*/agrees": dict | None,
            **{f"/results/*/{part}/counter": int | float for part in ("change", "change_stderr")},
            "/results/*/change/worst": int | float,
        },
        _digits_repairs,
    ),
}
