"""The algebra of docs/theory, plain text there, as formulas: blocks of it, and what stands within sentences."""

import re
from collections.abc import Iterator
from html import unescape

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from website.github import is_theory
from website.mathml import GREEK, Unreadable, math


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put formulas in the places of blocks of algebra, and of algebra in sentences."""
    if not is_theory(page):
        return html
    return within_sentences(
        _BLOCK.sub(lambda block: _block(unescape(re.sub("<[^>]*>", "", block[2]))) or block[0], html)
    )


# Blocks

_BLOCK = re.compile(
    r'<div class="(language-identity |language-text )?highlight"><pre>(?:<span></span>)?<code>(.*?)</code></pre></div>',
    re.S,
)
_TAG = re.compile(r"(\(S\d+\.\d+\)) +")


def _block(text: str) -> str | None:
    """A block of algebra, a line each; None for a block of something else."""
    if re.search(r"^\s*(python -m|pytest|\$) ", text, re.M):
        return None
    try:
        rows = [_line(line) for line in joined(text)]
    except Unreadable:
        return None
    return f'<div class="formula">{"".join(rows)}</div>'


def joined(text: str) -> Iterator[str]:
    """The lines of a block; one that opens a bracket and does not close it goes on in the next."""
    held = ""
    for line in text.strip("\n").split("\n"):
        held = f"{held.rstrip()} {line.strip()}" if held else line
        if all(held.count(left) <= held.count(right) for left, right in ("()", "[]")):
            yield held
            held = ""
    if held:
        yield held


def _line(line: str) -> str:
    tag = _TAG.match(line)
    indented = bool(re.match(r" +", line))
    body = line[tag.end() :] if tag else line.strip()
    words = re.match(r"(let|any|positive) ", body)
    said = ""
    if words:
        said, body = f"<span>{words[1]}</span> ", body[words.end() :]
    number = f'<span class="number">{tag[1]}</span>' if tag else ""
    kind = ' class="on"' if indented and not tag else ""
    return f"<p{kind}>{said}{math(body, display=True)}{number}</p>"


# Sentences

_APART = re.compile(r"(<(?:code|pre|math)\b.*?</(?:code|pre|math)>|<[^>]*>)", re.S)
_NAME = re.compile(rf"(?<![\w.])({'|'.join(GREEK)}|[A-Za-z]\w*?(?=_[A-Za-z0-9]))((?:_[A-Za-z0-9]+)*)(?![\w])")
_INDEX = re.compile(r"(?<=[)\]|])_(\w+)")
_POWER = re.compile(r"(?<=\be)\^(\w+\([^()]*\))|\^(\((?:[^()]|\([^()]*\))*\)|-?\w+(?:\.\d+)?(?:<sub>\w+</sub>)?|\*)")
_SIGNS = {"&lt;=": "≤", "&gt;=": "≥", "!=": "≠", "-&gt;": "→", "+-": "±", "||": "‖"}


def within_sentences(html: str) -> str:
    """HTML whose text has letters, indices and powers as they are printed; `mu_spu^2` stands on the page."""
    return "".join(part if place % 2 else _sentence(part) for place, part in enumerate(_APART.split(html)))


def _sentence(text: str) -> str:
    text = _NAME.sub(_printed, text)
    text = _INDEX.sub(r"<sub>\1</sub>", text)
    text = _POWER.sub(lambda power: f"<sup>{power[1] or _without_brackets(power[2])}</sup>", text)
    return re.sub("|".join(map(re.escape, _SIGNS)), lambda sign: _SIGNS[sign[0]], text)


def _without_brackets(text: str) -> str:
    return text[1:-1] if text.startswith("(") else text


def _printed(name: re.Match[str]) -> str:
    indices = [GREEK.get(each, each) for each in name[2].split("_")[1:]]
    below = f"<sub>{' '.join(indices)}</sub>" if indices else ""
    return f"{GREEK.get(name[1], name[1])}{below}"
