"""Indices of spurious reliance on the terminal: families, their differences, and what the theory fails at."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from workbench import terminal

FAMILY_NAMES = {"clip": "CLIPs", "imagenet": "ImageNet models"}


def show(tests: Sequence[Mapping[str, Any]], comparisons: Sequence[Mapping[str, Any]]) -> None:
    """Print both tables, as `realdata.reliance` gives them to JSON, and the answer in words."""
    console = terminal.output()
    console.print(
        "Index of spurious reliance (S19): 0 ignores the background, 1 is right on counter photos half of the time"
    )
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("setting")
    table.add_column("models")
    for heading in ("index [95%]", "intercept"):
        table.add_column(heading, no_wrap=True)
    table.add_column("one index explains them")
    for test in tests:
        without = ", no selector" if test["setting"]["selector"] == "excluded" else ""
        left_out = f" ({test['left_out']} left out)" if test["left_out"] else ""
        table.add_row(
            _setting(test),
            f"{len(test['models'])} {FAMILY_NAMES[test['family']]}{without}{left_out}",
            _with_interval(test["reliance"], test["interval"]),
            f"{test['intercept']:+.2f}",
            ": ".join([test["verdict"], *(["; ".join(test["reasons"])] if test["reasons"] else [])]),
        )
    console.print(table)
    if comparisons:
        console.print("CLIPs minus ImageNet models, on the same photos")
        table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for heading in ("setting", "selector", "difference [95%]", "p (Holm)", "verdict"):
            table.add_column(heading)
        for row in comparisons:
            table.add_row(
                _setting(row),
                row["setting"]["selector"],
                _with_interval(row["difference"], row["interval"], "+"),
                "<0.0001" if row["p_value"] < 0.0001 else f"{row['p_value']:.4f}",
                row["verdict"],
            )
        console.print(table)
    rejected = sum(test["verdict"] == "rejected" for test in tests)
    more = sum(row["verdict"] == "CLIPs lean more" for row in comparisons)
    console.print(
        f"One reliance for a family, the theory's line through the origin, is rejected in {rejected} of {len(tests)} "
        f"cases. CLIPs lean more on the background than ImageNet models in {more} of {len(comparisons)} comparisons."
    )
    console.print(
        "Assumed: an average over many classes is read as one margin of the theory's two; models are independent "
        "draws; photos' errors are bounds. Counter photos that are harder for every model move both families' indices "
        "alike. The index of a family that is rejected is that of its best line, not of every model in it."
    )


def _setting(row: Mapping[str, Any]) -> str:
    source = " ".join([row["source"], " and ".join(row["tables"])]).strip()
    setting = row["setting"]
    prompt = "" if setting["prompt"] == "none" else f" {setting['prompt']}"
    return f"{source}: {setting['setup']}{prompt} {setting['averaging']}"


def _with_interval(value: float, interval: Sequence[float], sign: str = "") -> str:
    return f"{value:{sign}.3f} [{interval[0]:{sign}.3f}, {interval[1]:{sign}.3f}]"
