"""A place in a result file, and how its value is shown: the only way by which a number gets into the page.

`SOURCES` lists the result files, with the command that makes each.
"""

import dataclasses
import json
import math
from typing import Any

from markupsafe import Markup

from workbench.errors import InputError

REPORT = "report.json"


@dataclasses.dataclass(frozen=True)
class Source:
    """One result file.

    Attributes:
        holds: in a few words.
        command: that makes it, in a checkout, with results in `results/`.
    """

    holds: str
    command: str


SOURCES = {
    "claims.json": Source(
        "the paper's claims put to the published accuracies", "python -m realdata.claims --json results/claims.json"
    ),
    "audit.json": Source("the printed tables, checked", "python -m realdata.audit --json results/audit.json"),
    "reliance.json": Source(
        "the theory's line fitted to the published accuracies",
        "python -m realdata.reliance --json results/reliance.json",
    ),
    "selector.json": Source(
        "what the selecting model's drop owes to its selection",
        "python -m realdata.curate --published --json results/selector.json",
    ),
    "contrastive/result.json": Source(
        "the main job: objectives trained side by side on the synthetic model", "python -m sims.contrastive"
    ),
    "map.json": Source(
        "closed forms for every loss, caption and prompt", "python -m theory map --json results/map.json"
    ),
    "explorer.json": Source(
        "the optima over all models of the explorer", "python -m theory series --json results/explorer.json"
    ),
    "colored_digits_table/table.json": Source(
        "contrastive and supervised learners on coloured digits", "python -m sims.colored_digits table"
    ),
    "repairs/result.json": Source(
        "zero-shot repairs of encoders trained in the synthetic model, beside their closed forms",
        "python -m sims.repairs",
    ),
    "repairs_digits/result.json": Source(
        "zero-shot repairs of small CLIPs on coloured digits, beside what normal embeddings predict",
        "python -m sims.repairs digits --seeds 8 --mention-spu 0.5,0,1",
    ),
    "added.json": Source("models of your own", "python -m paper_figs --with DIR"),
    REPORT: Source("what this page counts in the files above", "python -m paper_figs"),
}


def remedy(file: str) -> str:
    """How to make a result file, as the end of a sentence."""
    source = SOURCES.get(file)
    return f"make it with: {source.command}" if source else "it is not one that the report knows"


def join(pointer: str, *keys: str | int) -> str:
    """A pointer extended by keys, each within the one before."""
    return pointer + "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in keys)


def resolve(document: Any, pointer: str) -> Any:
    """The value that a pointer leads to (RFC 6901).

    Raises:
        LookupError: it leads nowhere.
    """
    if not pointer:
        return document
    start, *tokens = pointer.split("/")
    if start:
        raise LookupError(pointer)
    for token in (token.replace("~1", "/").replace("~0", "~") for token in tokens):
        if isinstance(document, dict) and token in document:
            document = document[token]
        elif isinstance(document, list) and token.isdecimal() and int(token) < len(document):
            document = document[int(token)]
        else:
            raise LookupError(pointer)
    return document


# Roundings by name; `p` is for p-values, of which the small ones are shown as bounds.
FORMATS = {"count": ",d", "points": "+z.1f", "accuracy": "z.1f", "share": "z.1%", "index": "z.2f"}
SMALLEST_P = 0.0001
NOTHING = Markup('<span class="nothing">–</span>')


@dataclasses.dataclass(frozen=True)
class Place:
    """A place in a result file.

    Attributes:
        file: name of the file.
        pointer: JSON pointer within it.
        content: what stands there; for choices, never to be shown as it is.
    """

    file: str
    pointer: str
    content: Any

    def at(self, pointer: str) -> "Place":
        """The place that a pointer from here leads to.

        Raises:
            InputError: there is none.
        """
        try:
            return Place(self.file, self.pointer + pointer, resolve(self.content, pointer))
        except LookupError as error:
            raise InputError(f"{self.file}: holds no {self.pointer}{pointer}; {remedy(self.file)}") from error

    def has(self, pointer: str) -> bool:
        """Whether a pointer leads to a value; null, an empty list, an empty object and an empty text are none."""
        try:
            content = resolve(self.content, pointer)
        except LookupError:
            return False
        return content is not None and content not in ([], {}, "")

    def each(self, pointer: str = "") -> list["Place"]:
        """The places of the items of a list, or of the values of an object.

        Raises:
            InputError: there is neither.
        """
        place = self.at(pointer)
        match place.content:
            case list():
                keys: list[str | int] = list(range(len(place.content)))
            case dict():
                keys = list(place.content)
            case _:
                raise InputError(f"{self.file}: {place.pointer} is neither a list nor an object; {remedy(self.file)}")
        return [place.at(join("", key)) for key in keys]

    @property
    def key(self) -> str:
        """The last part of the pointer."""
        return self.pointer.rpartition("/")[2].replace("~1", "/").replace("~0", "~")

    def number(self, pointer: str, form: str) -> Markup:
        """A number, rounded, in an element that says where it comes from; a dash for null.

        Args:
            pointer: from here.
            form: a name in `FORMATS`, `p`, or a format as Python's `format` takes.

        Raises:
            InputError: no finite number stands there.
        """
        place = self.at(pointer)
        value = place.content
        if value is None:
            return NOTHING
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise InputError(
                f"{self.file}: {place.pointer} is {value!r}, where a number is wanted; {remedy(self.file)}"
            )
        return Markup('<data value="{}" data-from="{}">{}</data>').format(
            json.dumps(value), f"{self.file}#{place.pointer}", _round(value, form)
        )

    def words(self, pointer: str = "") -> Markup:
        """Text as it stands in the file, in an element that says where it comes from; a dash for null.

        Raises:
            InputError: no text stands there.
        """
        place = self.at(pointer)
        if place.content is None or place.content == "":
            return NOTHING
        if not isinstance(place.content, str):
            raise InputError(f"{self.file}: {place.pointer} is {place.content!r}, where text is wanted")
        return Markup('<span data-from="{}">{}</span>').format(f"{self.file}#{place.pointer}", place.content)


def _round(value: int | float, form: str) -> str:
    if form == "p":
        return f"<{SMALLEST_P}" if value < SMALLEST_P else f"{value:.4f}"
    if form == "count" and value == int(value):
        value = int(value)
    return format(value, FORMATS.get(form, form)).replace("-", "−")
