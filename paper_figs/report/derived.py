"""What the page counts in the other result files: the content of report.json, written beside the page."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from paper_figs.report.sources import REPORT, SOURCES, remedy
from paper_figs.report.verdict_counts import changes, clustering, count_verdicts, summarise
from workbench import results
from workbench.errors import InputError

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
    "/audit/tables/*": "findings of audit.json by table and severity",
    "/audit/*": "findings of audit.json by severity, those with a proposal, its cells, those that a rule looked at, "
    "its corrections",
    "/reliance/*": "tests of reliance.json, those rejected, its comparisons, those that tell the families apart",
    "/selector/*": "settings of selector.json, those that show an excess",
    "/synthetic/*": "verdicts of contrastive/result.json by kind",
    "/map/*": "points of map.json by verdict",
    "/digits/*": "comparisons of colored_digits_table/table.json by verdict",
}
_SEVERITIES = {"errors": "error", "warnings": "warning", "notes": "note"}


def derive(contents: Mapping[str, Mapping]) -> dict[str, Any]:
    """Count what the page says of the result files.

    Args:
        contents: name of a result file to its content; files may be missing.

    Returns:
        The content of report.json; parts of files that are missing are missing.

    Raises:
        InputError: a file lacks a value, which is named.
    """
    counted: dict[str, Any] = {"how": HOW}
    for file, count in _COUNTS.items():
        if file not in contents:
            continue
        try:
            counted |= count(contents[file])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{file}: is of another version, it lacks or misuses {error}; {remedy(file)}") from error
    counted["missing"] = [file for file in SOURCES if file not in contents and file not in (REPORT, "added.json")]
    counted["versions"] = results.versions("numpy", "scipy", "pandas", "statsmodels", "matplotlib", "Jinja2")
    return results.plain(counted)


def _claims(content: Mapping) -> dict[str, Any]:
    rows = content["claims"]
    return {
        "claims": summarise(rows),
        "all": count_verdicts(rows),
        "models": [len(row["models"]) for row in rows],
        "changes": changes(rows),
        "clustering": clustering(rows),
    }


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


_COUNTS = {
    "claims.json": _claims,
    "audit.json": _audit,
    "reliance.json": _reliance,
    "selector.json": _selector,
    "contrastive/result.json": _synthetic,
    "map.json": _map,
    "colored_digits_table/table.json": _digits,
}
