"""The report's page and the numbers in it, as files."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from paper_figs.context import Context
from paper_figs.figure_spec import FigureSpec
from paper_figs.report.derived import derive
from paper_figs.report.figures import PageFigure
from paper_figs.report.page import build
from paper_figs.report.sources import REPORT, remedy
from paper_figs.saved_result import DIGITS_TABLE, MAIN_JOB, VERDICT_MAP
from realdata.claims.added_models import AddedModel
from realdata.reliance.program import reliance_content
from workbench import results
from workbench.errors import InputError

PAGE = "report.html"


def page_files(context: Context, figures: Sequence[tuple[FigureSpec, bytes]], out: Path) -> dict[str, str]:
    """The page, and the files to stand beside it that all of its numbers come from, by their path; the page last.

    Args:
        context: that the figures were drawn from.
        figures: each with its PNG file, in their order.
        out: folder of the page; saved results that are in it already are not written again.

    Raises:
        InputError: a saved result is broken or of another version.
    """
    made, saved = _made(context), _saved(context.results)
    contents = made | saved
    shown = [
        PageFigure(spec.name, spec.caption, f"{spec.source}. {spec.intervals}", _compact(png), spec.caption)
        for spec, png in figures
    ]
    page = build(contents, shown)
    there = out.resolve() == context.results.resolve()
    written = {**(made if there else contents), REPORT: derive(contents)}
    return {name: results.to_json(content) for name, content in written.items()} | {PAGE: page}


def _made(context: Context) -> dict[str, Mapping[str, Any]]:
    """What the programs of `realdata` say of the published tables."""
    made: dict[str, Mapping[str, Any]] = {
        "claims.json": context.claims,
        "audit.json": context.audit,
        "reliance.json": results.plain(reliance_content(context.reliance)),
        "selector.json": context.selector,
    }
    if context.added:
        made["added.json"] = results.plain({"models": [_as_json(model) for model in context.added]})
    return made


def _saved(folder: Path) -> dict[str, Mapping[str, Any]]:
    """The results of simulations that are there."""
    saved = {}
    for result in (MAIN_JOB, VERDICT_MAP, DIGITS_TABLE):
        if not result.is_missing(folder):
            file = result.files[0]
            try:
                saved[file] = json.loads((folder / file).read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise InputError(f"{folder / file}: cannot be read as a result; {remedy(file)}") from error
    return saved


def _as_json(model: AddedModel) -> dict[str, Any]:
    return vars(model) | {"classes": model.classes.to_dict("records"), "folder": str(model.folder)}


def _compact(png: bytes) -> bytes:
    """The picture with 256 colours, which figures hardly exceed: a third of the size in a page that holds them all."""
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
