"""The page as a reader sees it: its text, where its numbers say that they come from, and its parts."""

import dataclasses
import functools
import json
import re
from decimal import Decimal
from html.parser import HTMLParser

from paper_figs.report.place import resolve

VOID = {"meta", "link", "img", "br", "mspace", "hr"}
# Digits that belong to a name and measure nothing.
NAMES = (
    r"\b[CS]\d{1,2}\b( to S\d{1,2}\b)?",  # claims and statements
    r"\b(Tables?|Figs?\.|Eq\.|Theorem|Definition|Lemma) \d+(\.\d+)?((,| and|-| to) ?\d+(\.\d+)?)*",
    r"\barXiv 2403\.11497(v1)?\b",
    r"\bversion 1\b",
    r"\b95%",
    r"\b1 vs\. (1000|20)\b",
    r"\b(MiniGPT-4|LLaVA-1\.5|ImageNet-1K|Jinja2|theorem62)\b",
)
# Their content is what one types, a formula, or no text of the page.
SILENT = {"code", "math", "style", "script"}


@dataclasses.dataclass
class Element:
    tag: str
    attributes: dict
    text: str = ""
    parts: list = dataclasses.field(default_factory=list)  # of the text, until the element is closed


class Reader(HTMLParser):
    """Elements in their order, those with `data-from` apart, and the text outside of them."""

    def __init__(self, html):
        super().__init__()
        self.open, self.elements, self.sourced, self.texts = [], [], [], []
        self.feed(html)
        self.close()
        assert not self.open, f"not closed: {self.open[-1].tag}"

    def handle_starttag(self, tag, attrs):
        element = Element(tag, dict(attrs))
        self.elements.append(element)
        if "data-from" in element.attributes:
            self.sourced.append(element)
        self.texts += [
            element.attributes[name] for name in ("alt", "aria-label", "title") if name in element.attributes
        ]
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.elements.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1].tag == tag, (
            f"</{tag}> closes {self.open[-1].tag if self.open else 'nothing'}"
        )
        element = self.open.pop()
        element.text = "".join(element.parts)

    def handle_data(self, data):
        for element in self.open:
            element.parts.append(data)
        if not any(element.tag in SILENT or "data-from" in element.attributes for element in self.open):
            self.texts.append(data)


@functools.lru_cache(maxsize=4)
def read(html):
    """The page, read once for all that is asked of it."""
    return Reader(html)


def stray_numbers(html):
    """Texts with a digit that is in no name and comes from no result file."""
    found = []
    for text in read(html).texts:
        if re.search(r"\d", text):
            left = re.sub("|".join(NAMES), "", " ".join(text.split()))
            found += [left] if re.search(r"\d", left) else []
    return found


def false_numbers(html, contents):
    """Elements whose value is not what stands in the place that they name, or that show something else than it."""
    found = []
    for element in read(html).sourced:
        file, _, pointer = element.attributes["data-from"].partition("#")
        try:
            value = resolve(contents[file], pointer)
        except LookupError:
            found.append(f"{file}#{pointer} leads nowhere")
            continue
        if element.tag == "data":
            right = json.loads(element.attributes["value"]) == value and _is_rounded(element.text, value)
        else:
            right = element.text == value
        if not right:
            found.append(f"{file}#{pointer} is {value}: {element.attributes.get('value')}, {element.text}")
    return found


def _is_rounded(shown, value):
    if shown.startswith("<"):
        return value < float(shown[1:])
    scale = 100 if shown.endswith("%") else 1
    digits = shown.rstrip("%").replace("−", "-").replace(",", "")
    half = Decimal(1).scaleb(-len(digits.partition(".")[2])) / 2
    # The file's own number, to its last digit: no tolerance beyond half a unit of the last digit shown.
    return abs(Decimal(digits) - scale * Decimal(repr(value))) <= half
