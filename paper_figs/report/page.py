"""The page: one HTML file with everything in it, filled from result files."""

import functools
import re
from collections.abc import Mapping, Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from paper_figs.report import answer
from paper_figs.report.derived import derive
from paper_figs.report.figures import PageFigure, arrange
from paper_figs.report.place import Place
from paper_figs.report.sources import REPORT, SOURCES, remedy
from paper_figs.report.verdict_counts import CLAIMS
from workbench.errors import InputError

__all__ = ["PageFigure", "build"]

# Words of the tables' columns that the page writes out.
NAMES = {"1v1000": "1 vs. 1000", "1v20": "1 vs. 20"}
_PLACEHOLDER = re.compile(r"\{(?:([\w./]+)#)?(/[^}|]+)(?:\|(\w+))?\}")  # file, pointer, form


def build(contents: Mapping[str, Mapping], figures: Sequence[PageFigure]) -> str:
    """The page's HTML, the same for the same contents and figures.

    Args:
        contents: name of a result file, as in `sources.SOURCES`, to its content; where one is missing, the page says
            which command makes it.
        figures: in the order in which each section shows them.

    Raises:
        InputError: a file lacks a value that the page shows, or holds something else in its place.
        ValueError: a figure is no PNG.
    """
    report = derive(contents)
    whole: dict[str, Mapping] = {**contents, REPORT: report}

    def result(file: str) -> Place:
        if file not in whole:
            raise InputError(f"{file}: is missing; {remedy(file)}")
        return Place(file, "", whole[file])

    def fill(sentence: str) -> Markup:
        """Put numbers where a sentence names them."""
        filled, end = Markup(), 0
        for found in _PLACEHOLDER.finditer(sentence):
            file, pointer, form = found.groups()
            filled += escape(sentence[end : found.start()])
            filled += result(file or REPORT).number(pointer, form or "count")
            end = found.end()
        return filled + escape(sentence[end:])

    def notes_of(rows: Sequence[int]) -> list[tuple[Place, Place]]:
        """Rows of claims.json with their notes, each text once for a source and its tables."""
        notes: dict[tuple[str, ...], tuple[Place, Place]] = {}
        for row in (result("claims.json").at(f"/claims/{number}") for number in rows):
            for note in row.each("/notes"):
                notes.setdefault((row.content["source"], *row.content["tables"], note.content), (row, note))
        return list(notes.values())

    sentences = {
        "answer": answer.answer(report),
        "certainty": answer.certainty(report),
        "change": answer.what_would_change(report),
    }
    filled = {name: [fill(sentence) for sentence in listed] for name, listed in sentences.items()}
    return (
        _environment()
        .get_template("page.html")
        .render(
            **filled,
            result=result,
            notes_of=notes_of,
            has=lambda file: file in contents,
            named=lambda place: NAMES.get(place.content) or place.words(),
            sources=SOURCES,
            claims=CLAIMS,
            figures=arrange(figures),
        )
    )


@functools.cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("paper_figs.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
