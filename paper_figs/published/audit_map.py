"""The audit as a map: each printed number is a small cell, which shows what the audit found."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from paper_figs.context import Context
from paper_figs.looks import PRINT_WIDTH, SMALL
from workbench.palette import ORANGE, PALE_GREEN, SKY_BLUE, VERMILION

_CELL = 0.118  # inches
_GAP = 0.14  # between tables
_CHARACTER, _TITLE = 0.061, 0.068  # mean widths of a character
_NAME = 0.3  # above a table, for its name
_LEGEND = 0.75
_LONGEST = 30  # characters of a row's name
# Status to fill, edge and marker, which tells them apart in grey.
_LOOKS: dict[str, tuple[str, str, str]] = {
    "error": (VERMILION, "black", "X"),
    "warning": (ORANGE, "black", "^"),
    "note": (SKY_BLUE, "black", "."),
    "consistent": (PALE_GREEN, "white", ""),
    "unchecked": ("white", "0.7", ""),
}
# Shown in bands, one below the other; a file that is named nowhere comes in the last one.
_BANDS = (
    ("results.csv",),
    ("classes.csv", "classwise.csv", "replication_classwise.csv", "checkpoints.csv", "totals.csv"),
    ("replication_results.csv", "multicolored_mnist.csv", "colored_coco.csv"),
)
# Files whose rows name two things, the second of which is spread over columns.
_SPREAD = ("classwise.csv", "replication_classwise.csv", "replication_results.csv", "multicolored_mnist.csv")

Cell = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class _Grid:
    """A table: cells by row, and by column within what is spread over columns."""

    title: str
    columns: tuple[tuple[str, str], ...]
    rows: Mapping[str, Mapping[tuple[str, str], Cell]]

    @property
    def width(self) -> float:
        """Width of its cells or of its name, whichever is wider; inches."""
        return max(_CELL * len(self.columns), _TITLE * len(self.title))

    @property
    def headers(self) -> dict[str, list[int]]:
        """Words over each column, or over all columns of one model where those are spread, and the columns' places."""
        over: dict[str, list[int]] = {}
        for place, (spread, name) in enumerate(self.columns):
            over.setdefault(spread.replace(" ", "\n") or name.replace("_", " "), []).append(place)
        return over

    @property
    def head(self) -> float:
        """Height of the headers, inches."""
        return 1.1 * _CHARACTER * max(len(line) for header in self.headers for line in header.split("\n"))


def draw(context: Context) -> Figure:
    """Each table as a grid with its rows in the file's order; class-wise ones with a few columns for each model."""
    cells = [cell for cell in context.audit["cells"] if cell["value"]]
    bands = [line for band in _bands(cells) for line in _lines(band)]
    heads = [max(grid.head for grid in band) + _NAME for band in bands]
    heights = [max(len(grid.rows) for grid in band) * _CELL + head for band, head in zip(bands, heads, strict=True)]
    width, height = PRINT_WIDTH, sum(heights) + _LEGEND + 0.15
    figure = Figure(figsize=(width, height))
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set(xlim=(0, width), ylim=(height, 0))
    axis.set_axis_off()
    top = _LEGEND
    for band, head, band_height in zip(bands, heads, heights, strict=True):
        left = _GAP
        for grid, labels in _label_widths(band):
            left += labels
            _draw_grid(axis, left, top + head, grid, labels > 0)
            left += grid.width + _GAP
        top += band_height
    counts = Counter(cell["status"] for cell in cells)
    handles = []
    for status, (fill, edge, marker) in _LOOKS.items():
        box = Line2D([], [], ls="", marker="s", ms=10, color=fill, mec="0.6")
        mark = Line2D([], [], ls="", marker=marker or "None", ms=4.5, color=edge)
        handles.append(((box, mark), f"{status}: {counts[status]:,}"))
    axis.legend(
        *zip(*handles, strict=True),
        loc="upper center",
        bbox_to_anchor=(0.5, 1 - 0.28 / height),
        ncols=len(handles),
        fontsize=8,
        frameon=False,
        borderaxespad=0.2,
    )
    words = f"{counts['error']:,} of {len(cells):,} printed numbers are part of an error"
    figure.suptitle(words, fontsize=10, weight="bold", y=1 - 0.05 / height, va="top")
    return figure


def _lines(band: Sequence[_Grid]) -> list[list[_Grid]]:
    """The tables of a band in lines that a page is wide enough for."""
    lines: list[list[_Grid]] = []
    for grid in band:
        for line in lines[-1:]:
            if _GAP + sum(each.width + _GAP + labels for each, labels in _label_widths([*line, grid])) <= PRINT_WIDTH:
                line.append(grid)
                break
        else:
            lines.append([grid])
    return lines


def _bands(cells: Iterable[Cell]) -> list[list[_Grid]]:
    """The tables of each band, in the order of files and table numbers."""
    found: dict[tuple[str, str], dict[str, dict[tuple[str, str], Cell]]] = {}
    for cell in cells:
        row, spread = cell["row"], ""
        if cell["file"] in _SPREAD:
            row, _, spread = row.rpartition(", ")
        rows = found.setdefault((cell["file"], cell["table"]), {})
        # Two rows of a file with the same words stand one below the other.
        key = row if (spread, cell["column"]) not in rows.get(row, {}) else f"{row} (line {cell['line']})"
        rows.setdefault(key, {})[spread, cell["column"]] = cell
    bands: list[list[_Grid]] = [[] for _ in _BANDS]
    order = [file for band in _BANDS for file in band]
    # Stable, so that tables of one file stand as there: those of the same models side by side.
    for file, table in sorted(found, key=lambda key: order.index(key[0]) if key[0] in order else len(order)):
        rows = found[file, table]
        columns = tuple(dict.fromkeys(column for row in rows.values() for column in row))
        name = f"Table {table}" if table.isdigit() else table
        place = next((number for number, band in enumerate(_BANDS) if file in band), len(_BANDS) - 1)
        bands[place].append(_Grid(name, columns, rows))
    return bands


def _label_widths(band: Sequence[_Grid]) -> Iterable[tuple[_Grid, float]]:
    """Each table and the width of its row labels: 0 where the table before has the same rows."""
    before: tuple[str, ...] = ()
    for grid in band:
        rows = tuple(grid.rows)
        yield grid, 0.0 if rows == before else _CHARACTER * min(max(map(len, rows)), _LONGEST) + 0.08
        before = rows


def _draw_grid(axis: Axes, left: float, top: float, grid: _Grid, labelled: bool) -> None:
    boxes: dict[str, list[Rectangle]] = {status: [] for status in _LOOKS}
    for line, (words, row) in enumerate(grid.rows.items()):
        y = top + _CELL * line
        if labelled:
            axis.text(left - 0.04, y + _CELL / 2, words[:_LONGEST], fontsize=SMALL, ha="right", va="center_baseline")
        for place, column in enumerate(grid.columns):
            if column in row:
                boxes[row[column]["status"]].append(Rectangle((left + _CELL * place, y), _CELL, _CELL))
    for status, found in boxes.items():
        fill, edge, marker = _LOOKS[status]
        line_colour = "0.8" if status == "unchecked" else "white"
        axis.add_collection(PatchCollection(found, facecolor=fill, edgecolor=line_colour, lw=0.4))
        if marker:
            middles = [(box.get_x() + _CELL / 2, box.get_y() + _CELL / 2) for box in found]
            axis.plot(
                *zip(*middles, strict=True) if middles else ((), ()), ls="", marker=marker, ms=4, color=edge, mew=0
            )
    for header, places in grid.headers.items():
        x = left + _CELL * (sum(places) / len(places) + 0.5)
        axis.text(x, top - 0.04, header, fontsize=SMALL, rotation=90, ha="center", va="bottom", linespacing=0.95)
    axis.text(left, top - grid.head - 0.1, grid.title, fontsize=8, weight="bold")
