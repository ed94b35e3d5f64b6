"""The page: one HTML file with everything in it, filled from result files; and where each figure stands."""

import base64
import dataclasses
import functools
import io
import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure
from PIL import Image, UnidentifiedImageError

from paper_figs.context import Context
from paper_figs.report.answer import find_answer
from paper_figs.report.derived import CLAIMS, derive
from paper_figs.report.place import REPORT, SOURCES, Place, remedy
from paper_figs.saved_result import DIGITS_REPAIRS, DIGITS_TABLE, EXPLORER, MAIN_JOB, REPAIRS, VERDICT_MAP
from paper_figs.spec import FigureSpec
from realdata.claims.added_models import AddedModel
from realdata.reliance.study import reliance_content
from sims.theorems.table import STATEMENTS
from workbench import results
from workbench.errors import InputError

# Section to the names of its figures, as patterns; a figure stands in the first section that has it.
SECTIONS = {
    "added": ("added*",),
    "audit": ("audit*",),
    "C1": ("common_counter*", "photo_counts*", "class_drops*"),
    "certainty": ("specification_curve*",),
    "change": ("power*",),
    "C2": ("effective_robustness*", "forest*"),
    "C3": ("model_size*", "same_data*", "backbones*"),
    "C4": ("data_size*",),
    "C5": ("filtered*", "same_backbone*"),
    "C6": ("lvlm*",),
    "C7": ("theorem62", "printed_bound*", "boundary", "phase_diagram*", "convergence*", "captions_prompts*"),
    "C8": ("colored_*", "multicolored_*"),
    "C9": ("other_shifts*",),
    "reliance": ("reliance*", "digits_reliance*"),
    "synthetic": ("contrastive*",),
    "repairs": ("repairs_digits", "repairs*"),
}
# Claims to figures of other claims' sections that show them, too.
SHARED = {"C4": ("same_backbone",), "C6": ("common_counter",)}
# Of a figure on the page. More pixels or colours take more space than a page should.
_PAGE_DPI = 100
_STEP = 15  # between two values of a channel: white and black stay, no colour moves by more than half of it


@dataclasses.dataclass(frozen=True)
class PageFigure:
    """A figure as the page shows it.

    Attributes:
        name: as `python -m paper_figs --list` gives it.
        caption: what it shows, in a sentence.
        source: the files or tables that it is drawn from.
        image: its file, PNG or WebP.
        alt: what a reader who cannot see it should know.
    """

    name: str
    caption: str
    source: str
    image: bytes
    alt: str

    @property
    def uri(self) -> str:
        """The image as a data: URI.

        Raises:
            ValueError: the image is neither PNG nor WebP.
        """
        return f"data:image/{self._header[0].lower()};base64,{base64.b64encode(self.image).decode('ascii')}"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, from the image's header.

        Raises:
            ValueError: the image is neither PNG nor WebP.
        """
        return self._header[1]

    @property
    def _header(self) -> tuple[str, tuple[int, int]]:
        try:
            with Image.open(io.BytesIO(self.image), formats=("PNG", "WEBP")) as image:
                return str(image.format), image.size
        except UnidentifiedImageError as error:
            raise ValueError(f"figure {self.name}: is neither PNG nor WebP") from error


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


def _shared(places: Mapping[str, Sequence[PageFigure]], claim: str) -> list[tuple[str, PageFigure]]:
    """Figures that show a claim and stand at another one, each with that one's name."""
    wanted = SHARED.get(claim, ())
    return [(section, figure) for section, figures in places.items() for figure in figures if figure.name in wanted]


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
        ValueError: a figure is neither PNG nor WebP.
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
            explorer=explorer_script(contents["explorer.json"]) if "explorer.json" in contents else "",
            shared_figures=functools.partial(_shared, arrange(figures)),
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


def explorer_script(table: Mapping[str, Any]) -> Markup:
    """The explorer's JavaScript with its table in it: it fills the element whose id is `explorer`.

    Args:
        table: the content of explorer.json.
    """
    source, _, _ = PackageLoader("paper_figs.report").get_source(environment(), "explorer.js")
    data = json.dumps(table, separators=(",", ":")).replace("<", "\\u003c")
    mounted = f'const explorer = makeExplorer({data});\nexplorer.mount(document.getElementById("explorer"));\n'
    return Markup(source + mounted)


PAGE, EXPLORER_SCRIPT = "report.html", "explorer.js"


def page_image(figure: Figure) -> bytes:
    """A drawn figure as the page shows it, about as wide as it is printed, in slightly coarser colours; a WebP file."""
    drawn, buffer = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=_PAGE_DPI)
    with Image.open(drawn) as image:
        coarser = image.convert("RGB").point(3 * [_STEP * ((value + _STEP // 2) // _STEP) for value in range(256)])
    coarser.save(buffer, "WEBP", lossless=True, quality=60)
    return buffer.getvalue()


def page_figure(spec: FigureSpec, image: bytes) -> PageFigure:
    """A figure of the register with its words.

    Args:
        spec: the register's entry.
        image: from `page_image`.
    """
    says = f"{spec.message}. {spec.caption}." if spec.message else f"{spec.caption}."
    return PageFigure(spec.name, spec.caption, f"{spec.source}. {spec.intervals}", image, says)


def page_files(context: Context, figures: Sequence[PageFigure], out: Path) -> dict[str, str]:
    """Make the page, and the files beside it from which all of its numbers come, by their paths; the page last.

    Args:
        context: that the figures were drawn from.
        figures: in their order.
        out: folder of the page; saved results that are in it already are not written again.

    Raises:
        InputError: a saved result is broken or of another version.
    """
    made, saved = _make_contents(context), _read_saved(context.results)
    contents = made | saved
    page = build(contents, figures)
    there = {name for name in saved if (out / name).resolve() == (context.results / name).resolve()}
    there = {name for name in there if (out / name).exists()}
    written = {name: content for name, content in contents.items() if name not in there}
    written[REPORT] = derive(contents)
    files = {name: results.to_json(content) for name, content in written.items()}
    if "explorer.json" in contents:
        files[EXPLORER_SCRIPT] = explorer_script(contents["explorer.json"])  # for other pages
    return files | {PAGE: page}


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
    for result in (MAIN_JOB, VERDICT_MAP, EXPLORER, DIGITS_TABLE, REPAIRS, DIGITS_REPAIRS):
        folder = result.folder(folder_of_results)
        if not result.is_missing(folder):
            file = result.files[0]
            saved[file] = results.read_json(folder / file, "result", remedy(file))
    return saved


def _as_json(model: AddedModel) -> dict[str, Any]:
    return vars(model) | {"classes": model.classes.to_dict("records"), "folder": str(model.folder)}
