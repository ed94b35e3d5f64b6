"""`python -m sims.colored_digits table`: all of Table 8, row by row; a stopped table goes on where it stopped.

Each finished row is a file with what made it (`RowStore`); `load_table` reads a whole table back.
"""

import argparse
import dataclasses
import functools
import io
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from rich.progress import Progress, TaskID

from sims.colored_digits.config import DigitsConfig, add_training_options
from sims.colored_digits.design import Design
from sims.colored_digits.digits import Digits, read_digits
from sims.colored_digits.linear_theory import reliance
from sims.colored_digits.result import COMPARED, Row, against_published, bayes, equivalence, learner_rows
from sims.colored_digits.run import config_dict, identity, run
from sims.training.checkpoints import Checkpoints
from sims.training.devices import every_core_a_device
from workbench import program, results, terminal
from workbench.errors import InputError
from workbench.parameters import from_options


class RowStore:
    """The files of one row.

    Args:
        folder: of all rows.
        design: of this one.
        identity: what decides its numbers, JSON-ready; a file of another run is refused.
    """

    def __init__(self, folder: Path, design: Design, identity: dict[str, Any]):
        self.folder, self.design, self.identity = folder, design, identity
        name = f"k{design.classes}-inv{design.invariant_ratio:g}-spu{design.spurious_ratio:g}"
        self.path = folder / f"{name}.npz"
        self.checkpoints = Checkpoints(folder / f"{name}.checkpoints", identity)

    def read(self) -> Row | None:
        """The finished row, or None if it is not there.

        Raises:
            InputError: the file is another run's, or cannot be read; it is left as it is.
        """
        arrays = results.read_own_npz(self.path, self.identity, "no row of a table")
        return None if arrays is None else Row(self.design, arrays)

    def write(self, row: Row) -> None:
        """Keep a finished row, and drop its checkpoints."""
        results.write_files(self.folder, {self.path.name: results.to_own_npz(row.accuracies, self.identity)})
        self.checkpoints.remove()


_ROW = {"classes", "p_inv", "p_spu", "results", "bayes", "reliance"}


def load_table(folder: Path) -> dict[str, Any]:
    """The content of `folder/table.json`.

    Raises:
        InputError: it is missing, or not what this version writes.
    """
    file = folder / "table.json"
    remedy = f"make it with: python -m sims.colored_digits table --out {folder}"
    content = results.read_json(file, "table of coloured digits", remedy, ("rows", "config"))
    rows, config = content["rows"], content["config"]
    whole = isinstance(rows, list) and bool(rows) and all(isinstance(row, dict) and row.keys() >= _ROW for row in rows)
    if not whole or not isinstance(config, dict) or not config.get("seeds"):
        raise InputError(f"{file} holds a table of another version; {remedy}")
    return content


def show(content: Mapping[str, Any]) -> None:
    """Print a table as `table.json` holds it, and what is equal to the supervised learner."""
    console = terminal.output()
    objectives = [cells["objective"] for cells in content["rows"][0]["results"]]
    table = terminal.table(
        f"Accuracy (%), Rand / Rev, means over {content['config']['seeds']} runs, on {content['digits']}",
        ("classes", "p_inv", "p_spu", *objectives),
    )
    for row in content["rows"]:
        shown = (" / ".join(_mean(cells, column) for column in COMPARED[:2]) for cells in row["results"])
        table.add_row(str(row["classes"]), f"{row['p_inv']:g}", f"{row['p_spu']:g}", *shown)
    console.print(table)
    equivalence = content["equivalence"]
    for name in equivalence["verdicts"]:
        found = [cell["verdict"] for cell in equivalence["comparisons"] if cell["objective"] == name]
        counts = ", ".join(f"{found.count(word)} {word}" for word in ("equal", "different", "inconclusive"))
        console.print(f"{name} against supervised, within {equivalence['margin']:g} points: {counts} of {len(found)}.")


def _mean(cells: Mapping[str, Any], column: str) -> str:
    return f"{cells[f'{column}_mean']:.1f}"


CLASSES, RATIOS = (2, 3, 5, 6, 8, 10), (0.9, 0.75)  # Table 8's
_ROW_KEYS = tuple(field.name for field in dataclasses.fields(Design))
DEFAULT_OUT = Path("results/colored_digits_table")


def designs(classes: tuple[int, ...] = CLASSES) -> list[Design]:
    """The rows, in the printed order."""
    return [Design(*row) for row in itertools.product(classes, RATIOS, RATIOS[::-1])]


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser(
        "python -m sims.colored_digits table",
        "Run the rows of Table 8: 2, 3, 5, 6, 8 and 10 digits, both ratios 0.75 and 0.9. A stopped table goes on "
        "where it stopped.",
    )
    add_training_options(parser)
    parser.add_argument(
        "--classes", type=_classes, default=",".join(map(str, CLASSES)), metavar="K,...", help="numbers of digits"
    )
    program.add_out_option(parser, DEFAULT_OUT, "directory for table.csv and table.json")
    program.add_json_option(parser)
    return parser


def _classes(text: str) -> tuple[int, ...]:
    one = program.whole_number(2)
    return tuple(dict.fromkeys(one(word) for word in text.split(",")))


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    results.check_writable(options.out)
    results.check_json(options.json)
    configs = [from_options(DigitsConfig, options, design=design) for design in designs(options.classes)]
    digits = {count: read_digits(count, options.digits) for count in options.classes}
    every_core_a_device()
    rows = []
    with terminal.progress() as display:
        total = display.add_task("rows", total=len(configs), status="")
        task = display.add_task("training steps", total=configs[0].steps, status="")
        for config in configs:
            count = config.design.classes
            store = RowStore(results.path_inside(options.out, "rows"), config.design, identity(config, digits[count]))
            found = store.read()
            if found is None:
                report = functools.partial(_progress, display, task)
                try:
                    found, _ = run(config, digits[count], report, store.checkpoints)
                except KeyboardInterrupt:
                    raise KeyboardInterrupt("interrupted; the same command goes on where it stopped") from None
                store.write(found)
            rows.append(found)
            display.advance(total)
    content = {
        "digits": digits[options.classes[0]].source,
        "config": {key: value for key, value in config_dict(configs[0]).items() if key not in _ROW_KEYS},
        "rows": [
            _describe(row, config, digits[config.design.classes]) for row, config in zip(rows, configs, strict=True)
        ],
        "equivalence": equivalence(rows, options.margin),
    }
    table = pd.DataFrame([_flat(row) | cells for row in rows for cells in learner_rows(row)])
    text = io.StringIO()
    table.to_csv(text, index=False, float_format="%.4f", lineterminator="\n")
    results.write_files(options.out, {"table.csv": text.getvalue(), "table.json": results.to_json(content)})
    if not results.emit_json(content, options.json):
        show(content)
        terminal.output().print(f"Written to {options.out}: table.csv, table.json, rows/", soft_wrap=True)


def _progress(display: Progress, task: TaskID, step: int, status: str) -> None:
    display.update(task, completed=step, status=status)


def _flat(row: Row) -> dict[str, Any]:
    design = row.design
    return {"classes": design.classes, "p_inv": design.invariant_ratio, "p_spu": design.spurious_ratio}


def _describe(row: Row, config: DigitsConfig, digits: Digits) -> dict[str, Any]:
    return _flat(row) | {
        "results": learner_rows(row),
        "bayes": bayes(row.design),
        "published": against_published(row, digits.source),
        "reliance": reliance(row, config, digits),
    }
