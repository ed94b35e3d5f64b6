"""Markdown as GitHub reads it, rewritten for Python-Markdown, which MkDocs uses and which differs in places."""

import itertools
import operator
import re
from collections.abc import Iterator

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

_ITEM = re.compile(r"( *)(?:\d+\.|-) ")


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrite the page; on those of docs/theory the signs of algebra too."""
    text = apart(markdown)
    return as_they_stand(text) if is_theory(page) else text


def is_theory(page: Page) -> bool:
    """Whether a page holds algebra in the notation of docs/theory."""
    return page.file.src_uri.startswith("theory/") and page.file.src_uri != "theory/README.md"


def apart(markdown: str) -> str:
    """With an empty line before a list that follows text, and whole items indented by four spaces."""
    lines: list[str] = []
    first = ""  # line since the last empty one
    fenced = listed = False
    for line in markdown.split("\n"):
        fenced ^= line.lstrip().startswith("```")
        if not fenced:
            item = _ITEM.match(line)
            listed = bool(item) or (listed and line[:1] in ("", " "))
            if listed and re.match(r" {2,3}\S", line):
                line = f"    {line.lstrip()}"
            above = _ITEM.match(first)
            if item and first and not (above and above[1] == item[1]):
                lines.append("")
                first = ""
            first = (first or line) if line.strip() else ""
        lines.append(line)
    return "\n".join(lines)


def as_they_stand(markdown: str) -> str:
    """With signs of algebra escaped that Markdown or HTML would take for its own; code and links' targets are left."""
    kinds = zip(_is_code(markdown), markdown.split("\n"), strict=True)
    return "\n".join(
        text if code else _escaped(text)
        for code, lines in itertools.groupby(kinds, key=operator.itemgetter(0))
        for text in ["\n".join(line for _, line in lines)]
    )


def _is_code(markdown: str) -> Iterator[bool]:
    """Whether each line belongs to a block of code: fenced, or indented further than its list."""
    fenced, indent, paragraph = False, 4, False
    for line in markdown.split("\n"):
        fence = line.lstrip().startswith("```")
        fenced ^= fence
        if re.match(r"\S", line):
            indent = 8 if _ITEM.match(line) else 4
        code = fence or fenced or (not paragraph and line.startswith(" " * indent))
        paragraph = bool(line.strip()) and not code
        yield code


def _escaped(text: str) -> str:
    parts = re.split(r"(`[^`]*`|\]\([^)]*\))", text)
    return "".join(part if place % 2 else _escaped_prose(part) for place, part in enumerate(parts))


def _escaped_prose(text: str) -> str:
    text = re.sub(r"(?<!\\)_", r"\\_", text)
    text = re.sub(r"(?<![\w*])(\w|\w\w?\\_\w)\*(?=[\s,.:;)'^])", r"\1\\*", text)
    return re.sub(r"<(?=[A-Za-z(])", "&lt;", text)
