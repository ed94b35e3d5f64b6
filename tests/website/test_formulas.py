"""Formulas on the site say what the pages say, and Markdown is read there as GitHub reads it."""

import re
import xml.etree.ElementTree as ElementTree
from html import unescape

import markdown
import pytest
from markdown_it import MarkdownIt

from tests.conftest import ROOT
from tests.theory import identities
from website import formulas, github
from website.links import PAGES
from website.mathml import GREEK, Unreadable, math

THEORY = sorted(path for path in (ROOT / "docs" / "theory").glob("*.md") if path.name != "README.md")
LETTERS = {letter: name for name, letter in GREEK.items()} | {"∞": "oo"}
SIGNS = {"−": "-", "′": "'", "·": "*"}


def plain(element):
    """A formula as plain text again, every structure in brackets; it knows MathML alone, not how that was made."""
    parts = [plain(child) for child in element]
    tag, text = element.tag, (element.text or "")
    if tag in ("mi", "mn", "mtext"):
        return f" {LETTERS.get(text, text)} "
    if tag == "mo":
        return SIGNS.get(text, text)
    if tag == "mspace":
        return " "
    if tag == "mfrac":
        over, under = parts
        found = re.fullmatch(r" d ?", over) and re.fullmatch(r"\s*d (.*)", under.strip())
        return f" d/d{found[1].replace(' ', '')}" if found else f" (({over}) / ({under})) "
    if tag == "msup":
        base, above = parts
        return f" {base.strip()}' " if above == "'" else f" {base.strip()}^({above}) "
    if tag == "msub":
        if "|" in parts[0]:  # value at a place
            variable, _, place = parts[1].partition("=")
            return f" at({parts[0].removesuffix('|')}, {variable}, {place}) "
        return f" {parts[0].strip()}_{'_'.join(parts[1].split())} "
    if tag == "msubsup":
        base, below, above = parts
        if base == "∫":
            return f" ∫{below}∫{above}∫ "
        return f" {base.strip()}_{'_'.join(below.split())}^({above}) "
    if tag == "msqrt":
        return f" sqrt({''.join(parts)}) "
    if tag == "mtable":
        return ", ".join(f"[{', '.join(plain(cell) for cell in row)}]" for row in element)
    return "".join(parts)


def back(formula):
    text = plain(ElementTree.fromstring(math(formula)))
    return re.sub(r"∫(.*?)∫(.*?)∫(.*?) d +(\w+'*) *", r"integral(\3, \4, \1, \2)", text)


def known():
    """Every identity of every page."""
    return [one for page in THEORY for one in identities.identities_of(page.read_text())]


def sides(text):
    """What stands between the equals signs that are in no bracket."""
    depth, found = 0, [""]
    for letter in text:
        depth += (letter in "([") - (letter in ")]")
        found = [*found, ""] if letter == "=" and depth == 0 else [*found[:-1], found[-1] + letter]
    return [side.strip() for side in found]


def test_a_formula_shown_is_the_identity_that_is_checked():
    """Read back from MathML, each side of each identity is what SymPy reads on the page."""
    compared = 0
    for one in known():
        names = one.names | {"eps": one.names.get("epsilon")}  # one letter, two names
        for side in sides(one.text):
            shown = identities._Reader(back(side), names).sum()
            assert shown == identities._Reader(side, names).sum(), f"({one.label}.{one.number}) {side}: {back(side)}"
            compared += 1
    assert compared > 400


@pytest.mark.parametrize(
    ("text", "wrong"),
    [("a / b c", "a / (b c)"), ("x^2 y", "x^(2 y)"), ("mu_inv s", "mu s_inv"), ("-(a + b)", "-a + b")],
)
def test_reading_back_tells_formulas_apart(text, wrong):
    assert back(text).split() != back(wrong).split()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("||G||_F^2", ["msubsup", "‖"]),
        ("-<G, C>", ["⟨", "⟩"]),
        ("sum_{i != j} s_ij", ["munder", "∑", "≠"]),
        ("P(y = +1) / P(y = -1)", ["<mfrac><mrow><mi>P</mi>"]),
        ("class-mean prompt", ["<mtext>class-mean</mtext>"]),
        ("V_spu < V_inv", ["&lt;"]),
    ],
)
def test_what_no_identity_holds_is_shown_too(text, parts):
    shown = math(text)
    ElementTree.fromstring(shown)
    for part in parts:
        assert part in shown, shown


@pytest.mark.parametrize("text", ["(a + b", "a + b)", "[a, b)", "a / ", "x^"])
def test_a_bracket_or_term_that_is_missing_is_refused(text):
    with pytest.raises(Unreadable):
        math(text)


def test_blocks_and_sentences_of_a_page():
    html = (
        "<p>At mu_spu^2 &gt;= 1 see <code>mu_spu</code> and W_I^T.</p>\n"
        '<div class="highlight"><pre><code>s^2 = v_inv\n</code></pre></div>'
    )
    page = type("Page", (), {"file": type("File", (), {"src_uri": "theory/rate.md"})})
    shown = formulas.on_page_content(html, page, None, None)
    assert "<p>At μ<sub>spu</sub><sup>2</sup> ≥ 1 see <code>mu_spu</code> and W<sub>I</sub><sup>T</sup>.</p>" in shown
    assert '<div class="formula"><p><math' in shown and "<pre>" not in shown
    page.file.src_uri = "use.md"
    assert formulas.on_page_content(html, page, None, None) == html


def test_a_command_on_a_page_stays_code():
    block = '<div class="highlight"><pre><code>python -m theory --mu-spu 2\n</code></pre></div>'
    page = type("Page", (), {"file": type("File", (), {"src_uri": "theory/rate.md"})})
    assert formulas.on_page_content(block, page, None, None) == block


def words(html):
    """The words of a page, with the bounds of lists, tables, code and emphasis among them."""
    html = re.sub(r"<pre.*?</pre>", " [block] ", re.sub(r"</?(div|span)[^>]*>", "", html), flags=re.S)
    html = re.sub(r"<(/?)(li|em|strong|table|h\d|ul|ol)\b[^>]*>", r" [\1\2] ", html)
    html = re.sub(r"</?(p|a|img|code|thead|tbody|tr|td|th|br|hr)\b[^>]*>", " ", html)
    return unescape(html).split()


@pytest.mark.parametrize("theory", [True, False], ids=["theory", "other"])
def test_pages_are_read_as_github_reads_them(theory):
    """GitHub reads CommonMark with tables, which markdown-it knows; the site has Python-Markdown."""
    pages = THEORY if theory else sorted({*(ROOT / "docs").rglob("*.md"), *(ROOT / page for page in PAGES)} - {*THEORY})
    assert len(pages) > 10
    for page in pages:
        text = page.read_text()
        there = words(MarkdownIt("commonmark").enable("table").render(text))
        rewritten = github.as_they_stand(github.apart(text)) if theory else github.apart(text)
        here = words(markdown.markdown(rewritten, extensions=["tables", "pymdownx.superfences"]))
        assert here == there, page.name
