"""The page: one HTML file with everything in it, filled from result files; and where each figure stands."""

import base64
import dataclasses
import functools
import io
import struct
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from paper_figs.context import Context
from paper_figs.drawing import FigureSpec
from paper_figs.report.answer import find_answer
from paper_figs.report.derived import CLAIMS, derive
from paper_figs.report.place import REPORT, SOURCES, Place, remedy
from paper_figs.saved_result import DIGITS_TABLE, MAIN_JOB, VERDICT_MAP
from realdata.claims.added_models import AddedModel
from realdata.reliance.program import reliance_content
from sims.theorems.table import STATEMENTS
from workbench import results
from workbench.errors import InputError

# Section to the names of its figures, as patterns; a figure stands in the first section that has it.
SECTIONS = {
    "added": ("added*",),
    "audit": ("audit*",),
    "C1": ("common_counter*", "photo_counts*", "class_drops*"),
    "C2": ("effective_robustness*", "forest*"),
    "C3": ("model_size*", "same_data*", "backbones*"),
    "C4": ("data_size*", "same_backbone*"),
    "C5": ("filtered*",),
    "C6": ("lvlm*",),
    "C7": ("theorem62", "printed_bound*", "boundary", "phase_diagram*", "convergence*", "captions_prompts*"),
    "C8": ("colored_*", "multicolored_*"),
    "C9": ("other_shifts*",),
    "reliance": ("reliance*", "digits_reliance*"),
    "synthetic": ("contrastive*",),
}
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclasses.dataclass(frozen=True)
class PageFigure:
    """A figure as the page shows it.

    Attributes:
        name: as `python -m paper_figs --list` gives it.
        caption: what it shows, in a sentence.
        source: the files or tables that it is drawn from.
        png: the image.
        alt: what a reader who cannot see it should know.
    """

    name: str
    caption: str
    source: str
    png: bytes
    alt: str

    @property
    def uri(self) -> str:
        """The image as a data: URI."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode("ascii")

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, from the image's header.

        Raises:
            ValueError: the image is no PNG.
        """
        if not self.png.startswith(_PNG) or len(self.png) < 24:
            raise ValueError(f"figure {self.name}: is no PNG")
        width, height = struct.unpack(">II", self.png[16:24])
        return width, height


def arrange(figures: Sequence[PageFigure]) -> dict[str, list[PageFigure]]:
    """Sort figures into the sections of the page, in their order.

    `statements` has those of statements that no section has, `further` the others that none has; `elsewhere` names
    again the figures of statements that stand in a section.
    """
    places: dict[str, list[PageFigure]] = {name: [] for name in (*SECTIONS, "statements", "further", "elsewhere")}
    for figure in figures:
        section = _section(figure.name)
        places[section].append(figure)
        if figure.name in STATEMENTS and section != "statements":
            places["elsewhere"].append(figure)
    return places


def _section(name: str) -> str:
    for section, patterns in SECTIONS.items():
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            return section
    return "statements" if name in STATEMENTS else "further"


__all__ = ["PageFigure", "build"]

# Words of the tables' columns that the page writes out.
NAMES = {"1v1000": "1 vs. 1000", "1v20": "1 vs. 20"}


def build(contents: Mapping[str, Mapping], figures: Sequence[PageFigure]) -> str:
    """Build the page's HTML, the same for the same contents and figures.

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

    def notes_of(rows: Sequence[int]) -> list[tuple[Place, Place]]:
        """The notes of rows of claims.json, each with its row; a text occurs once for a source and its tables."""
        notes: dict[tuple[str, ...], tuple[Place, Place]] = {}
        for row in (result("claims.json").at(f"/claims/{number}") for number in rows):
            for note in row.each("/notes"):
                notes.setdefault((row.content["source"], *row.content["tables"], note.content), (row, note))
        return list(notes.values())

    return (
        environment()
        .get_template("page.html")
        .render(
            found=find_answer(result(REPORT), result("claims.json") if "claims.json" in contents else None),
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
def environment() -> Environment:
    """The templates of the page."""
    return Environment(
        loader=PackageLoader("paper_figs.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


PAGE = "report.html"


def page_files(context: Context, figures: Sequence[tuple[FigureSpec, bytes]], out: Path) -> dict[str, str]:
    """Make the page, and the files beside it from which all of its numbers come, by their paths; the page last.

    Args:
        context: that the figures were drawn from.
        figures: each with its PNG file, in their order.
        out: folder of the page; saved results that are in it already are not written again.

    Raises:
        InputError: a saved result is broken or of another version.
    """
    made, saved = _make_contents(context), _read_saved(context.results)
    contents = made | saved
    shown = [
        PageFigure(spec.name, spec.caption, f"{spec.source}. {spec.intervals}", _compact(png), spec.caption)
        for spec, png in figures
    ]
    page = build(contents, shown)
    there = {name for name in saved if (out / name).resolve() == (context.results / name).resolve()}
    there = {name for name in there if (out / name).exists()}
    written = {name: content for name, content in contents.items() if name not in there}
    written[REPORT] = derive(contents)
    return {name: results.to_json(content) for name, content in written.items()} | {PAGE: page}


def _make_contents(context: Context) -> dict[str, Mapping[str, Any]]:
    """The contents that the programs of `realdata` make from the published tables."""
    made: dict[str, Mapping[str, Any]] = {
        "claims.json": context.claims,
        "audit.json": context.audit,
        "reliance.json": results.as_read_back(reliance_content(context.reliance)),
        "selector.json": context.selector,
    }
    if context.added:
        made["added.json"] = results.as_read_back({"models": [_as_json(model) for model in context.added]})
    return made


def _read_saved(folder_of_results: Path) -> dict[str, Mapping[str, Any]]:
    """The saved results of simulations, the user's own or else the shipped ones, without those that are missing."""
    saved: dict[str, Mapping[str, Any]] = {}
    for result in (MAIN_JOB, VERDICT_MAP, DIGITS_TABLE):
        folder = result.folder(folder_of_results)
        if not result.is_missing(folder):
            file = result.files[0]
            saved[file] = results.read_json(folder / file, "result", remedy(file))
    return saved


def _as_json(model: AddedModel) -> dict[str, Any]:
    return vars(model) | {"classes": model.classes.to_dict("records"), "folder": str(model.folder)}


def _compact(png: bytes) -> bytes:
    """Reduce an image to 256 colours. Figures have hardly more, and the page takes a third of the space."""
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
