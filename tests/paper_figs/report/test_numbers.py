"""Every number of the page comes from a result file, is what stands there, and is rounded rightly."""

import copy
import io
import re
from html import unescape

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from paper_figs.report.derived import HOW, derive
from paper_figs.report.page import PageFigure, arrange, build, page_image
from paper_figs.report.place import SOURCES, Place, join, resolve
from sims.theorems.table import STATEMENTS
from tests.paper_figs.report.made_contents import VERDICTS, claim_row, contents, figures, picture
from tests.paper_figs.report.page_reader import Reader, false_numbers, read, stray_numbers
from workbench.errors import InputError

SVG = "http://www.w3.org/2000/svg"  # a name, never fetched
PLACES = ("answer", "certainty", "change", "claims", "added", "audit", "reliance", "synthetic", "repairs", "method")
PLACES += tuple(f"C{number}" for number in range(1, 9))


@pytest.fixture(scope="module")
def made():
    return contents()


@pytest.fixture(scope="module")
def html(made):
    return build(made, figures())


def whole(made):
    return made | {"report.json": derive(made)}


@pytest.fixture(scope="module")
def everything(made):
    return whole(made)


def test_every_number_is_that_of_a_result_file(everything, html):
    assert stray_numbers(html) == []
    assert false_numbers(html, everything) == []
    kinds = {element.attributes["data-from"].partition("#")[0] for element in read(html).sourced}
    assert kinds == set(SOURCES)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("<h2>The claims</h2>", "<h2>The 8 claims</h2>"),
        ("<td>read</td>", "<td>read in 1.5 s</td>"),
        ('alt="alternative text of a figure"', 'alt="93 of 100 runs"'),
        ("Theorem 6.2", "Theorem 6.2 of 9"),
    ],
)
def test_a_stray_number_is_found(html, right, wrong):
    assert right in html
    assert stray_numbers(html.replace(right, wrong, 1))


@pytest.mark.parametrize(
    ("pattern", "wrong"),
    [
        (r'<data value="[^"]*"', '<data value="0.125"'),
        (r"#/claims/\d+/effect", "#/claims/999/effect"),
        (r'(<data value="-?\d[^>]*>)[−+]?\d+\.\d<', r"\g<1>−77.7<"),
        (r'(<data value="0\.9"[^>]*>)90%<', r"\g<1>91%<"),
        (r"(<data [^>]*>)&lt;0\.0001", r"\g<1>&lt;0.00000001"),
        (r'(<span data-from="claims.json#/claims/0/verdict">)supported', r"\1not supported"),
    ],
)
def test_a_false_number_is_found(everything, html, pattern, wrong):
    changed, times = re.subn(pattern, wrong, html, count=1)
    assert times and false_numbers(changed, everything)


def test_pointers_are_those_of_rfc_6901():
    # The examples of the RFC's section 5.
    document = {"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "m~n": 8, 'k"l': 6}
    assert resolve(document, "") is document
    assert [resolve(document, pointer) for pointer in ("/foo/0", "/", "/a~1b", "/c%d", "/m~0n", '/k"l')] == [
        "bar",
        0,
        1,
        2,
        8,
        6,
    ]
    assert resolve({"~1": 3}, join("", "~1")) == 3  # ~01 is ~1, not a slash
    for pointer in ("/foo/2", "/foo/-1", "/foo/-", "foo", "/bar", "/foo/0/0"):
        with pytest.raises(LookupError):
            resolve(document, pointer)


@pytest.mark.parametrize(
    ("value", "form", "shown"),
    [
        (-2.449, "points", "−2.4"),
        (-0.04, "points", "+0.0"),
        (0.53261, "share", "53.3%"),
        (7174, "count", "7,174"),
        (0.00009, "p", "<0.0001"),
        (0.0001, "p", "0.0001"),
        (1.0, "p", "1.0000"),
        (None, "points", "–"),
    ],
)
def test_roundings(value, form, shown):
    assert Reader(Place("a.json", "/x", value).number("", form)).elements[0].text == shown


@pytest.mark.parametrize("value", ["2.4", True, float("nan"), [1], {}])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(InputError, match=r"claims\.json: /claims/3/effect is .* realdata\.claims"):
        Place("claims.json", "/claims/3", {"effect": value}).number("/effect", "points")


@pytest.mark.parametrize(
    ("file", "path"),
    [
        ("claims.json", ("claims", 0, "effect")),
        ("claims.json", ("claims", 0, "verdict")),
        ("audit.json", ("findings", 1, "expected")),
        ("reliance.json", ("tests", 1, "reliance")),
        ("contrastive/result.json", ("config", "seeds")),
        ("map.json", ("map",)),
    ],
)
def test_a_file_of_another_version_is_named(made, file, path):
    broken = copy.deepcopy(made)
    place = resolve(broken[file], join("", *path[:-1]))
    del place[path[-1]]
    with pytest.raises(InputError) as error:
        build(broken, [])
    message = str(error.value)
    assert message.startswith(f"{file}: ") and "\n" not in message
    assert path[-1] in message and f"make it with: {SOURCES[file].command}" in message


def test_repairs_are_counted_by_captions(made):
    counted = derive(made)
    of_captions = {"repairs": 2, "raise": 1, "lower": 1}
    both = [of_captions | {"plain": 0, "best": 1}, of_captions | {"plain": 3, "best": 4}]
    assert counted["digits_repairs"] == {"changes": 8, "agree": 4, "captions": both}
    assert counted["repairs"] == {"known": 2, "agree": 1}


def test_without_results_the_page_says_how_to_make_them():
    html = build({}, [])
    text = " ".join(unescape(re.sub(r"<[^>]+>", "", html)).split())
    for file, source in SOURCES.items():
        if file not in ("report.json", "added.json"):
            assert f"Not made yet: {source.holds}. This makes it: {source.command}" in text
    assert "python -m sims.theorems" in text
    assert stray_numbers(html) == [] and 'id="added"' not in html


@pytest.mark.parametrize("missing", [file for file in SOURCES if file != "report.json"])
def test_any_file_may_be_missing(made, missing):
    some = {file: content for file, content in made.items() if file != missing}
    html = build(some, [])
    assert stray_numbers(html) == [] and false_numbers(html, whole(some)) == []


@pytest.mark.parametrize("letters", ["s", "n", "i", "si", "ni", "sn", "sni"])
def test_any_verdicts_make_a_page(made, letters):
    setting = ("paper", ["3"], "1v1000", "simple", "balanced", "included", "as printed")
    rows = [
        claim_row(claim, "drop", "points", VERDICTS[letter], setting, place)
        for claim in ("C1", "C2", "C3", "C5", "C8")
        for place, letter in enumerate(letters)
    ]
    some = made | {"claims.json": {"claims": rows, "statements": {}}}
    html = build(some, [])
    assert false_numbers(html, whole(some)) == [] and stray_numbers(html) == []


def test_the_page_stands_alone_and_is_the_same_each_time(made, html):
    assert html == build(contents(), figures())
    reader = read(html)
    assert not [element for element in reader.elements if element.tag in ("iframe", "object", "embed")]
    scripts = [element for element in reader.elements if element.tag == "script"]
    assert [element.attributes for element in scripts] == [{}, {}]
    code = "".join(element.text for element in scripts).replace(SVG, "")
    assert not [word for word in ("fetch(", "import(", "XMLHttpRequest", "http") if word in code]
    for element in reader.elements:
        source = element.attributes.get("src", "data:")
        assert source.startswith("data:")
        if element.tag == "link":
            assert element.attributes["href"].startswith("data:")
    style = next(element.text for element in reader.elements if element.tag == "style")
    assert "url(" not in style and "@import" not in style


def test_the_page_is_built_for_every_reader(html):
    elements = read(html).elements
    identifiers = [element.attributes["id"] for element in elements if "id" in element.attributes]
    assert len(identifiers) == len(set(identifiers)) and set(PLACES) <= set(identifiers)
    links = [element.attributes["href"] for element in elements if element.tag == "a"]
    assert {link[1:] for link in links if link.startswith("#")} <= set(identifiers)
    levels = [int(element.tag[1]) for element in elements if re.fullmatch("h[1-6]", element.tag)]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip([1, *levels], levels, strict=False) if before)
    assert all(element.attributes["alt"] for element in elements if element.tag == "img")
    assert [element.attributes.get("lang") for element in elements if element.tag == "html"] == ["en-GB"]


def test_every_figure_stands_once(html):
    assert len(re.findall("<img ", html)) == len(figures())
    places = arrange(figures())
    assert [figure.name for figure in places["C2"]] == ["effective_robustness"]
    assert [figure.name for figure in places["further"]] == ["new_one"]
    assert len(places["statements"]) == len(STATEMENTS) - 3  # without S7 and S8, which stand at the theorem, and S30
    assert [figure.name for figure in places["elsewhere"]] == ["boundary", "theorem62", "repairs"]


def test_a_figure_must_be_an_image():
    assert PageFigure("a", "b", "c", picture(3, 2), "d").size == (3, 2)
    with pytest.raises(ValueError, match="figure a: is neither PNG nor WebP"):
        build({}, [PageFigure("a", "b", "c", b"%PDF", "d")])


def test_texts_of_results_are_no_markup(made):
    broken = copy.deepcopy(made)
    broken["audit.json"]["findings"][0]["row"] = "<script>alert(1)</script>"
    assert build(broken, []).count("<script") == build(made, []).count("<script") == 2


def test_every_count_says_how_it_was_made(made):
    def numbers(value, pointer):
        if isinstance(value, dict):
            for key, item in value.items():
                yield from numbers(item, join(pointer, key))
        elif isinstance(value, list):
            for place, item in enumerate(value):
                yield from numbers(item, join(pointer, place))
        elif not isinstance(value, str):
            yield pointer

    patterns = [re.compile(re.escape(pattern).replace(r"\*", ".*")) for pattern in HOW]
    unexplained = [pointer for pointer in numbers(derive(made), "") if not any(p.fullmatch(pointer) for p in patterns)]
    assert unexplained == []


def test_other_test_sets_and_masked_drops_are_counted_and_shown(made, html):
    counted = derive({"claims.json": made["claims.json"]})
    halves, masked = counted["shifts"], counted["masked"]
    assert (halves["others"]["tests"], halves["others"]["supported"], halves["rows"]) == (1, 1, [0, 2, 3])
    assert (halves["paper"]["tests"], halves["paper"]["not_supported"], halves["paper"]["inconclusive"]) == (2, 1, 1)
    assert masked == {"models": 2, "smaller": 1, "remaining": 2, "mean": 3}
    of_shifts, of_drop = html.partition('<section id="C9"')[2], html.partition('<section id="C1"')[2]
    assert "/other_shifts/0/effect" in of_shifts and "/other_shifts/1/effect" not in of_shifts
    assert "/masked_drops/3/removed" in of_drop.partition("</section>")[0]
    assert "do not show its cause" in of_drop.partition("</section>")[0]


def test_cells_and_verdicts_are_counted_by_their_words():
    cells = [{"status": status} for status in ("unchecked", "error", "consistent")]
    audit = derive({"audit.json": {"findings": [], "cells": cells, "corrections": []}})["audit"]
    assert (audit["cells"], audit["checked"]) == (3, 2)
    verdicts = ("more robust", "more robust", "less robust", "inconclusive")
    counted = derive({"map.json": {"map": [{"verdict": verdict} for verdict in verdicts]}})["map"]
    assert counted == {"points": 4, "more": 2, "less": 1, "neither": 1}


def test_the_overview_shows_the_interval_that_decides(made):
    rows = made["claims.json"]["claims"]
    shown = set(
        re.findall(r"claims\.json#/claims/(\d+)/(\w+(?:/interval)?)/0\"", build(made, []).partition('id="C1"')[0])
    )
    summary = derive(made)["claims"].values()
    mains = [question["main"] for claim in summary for question in claim["questions"]]
    deciding = {"clustered": "clustered/interval", "naive": "interval"}
    assert {(str(main), deciding[rows[main]["decides"]]) for main in mains} == shown
    assert {kind for _, kind in shown} == set(deciding.values())


def test_the_pages_figures_keep_their_colours():
    """A map in a hundred shades, black text, a white ground: all as drawn, but for what no eye sees."""
    figure = Figure(figsize=(4, 3))
    axis = figure.add_subplot()
    axis.imshow(np.linspace(-1, 1, 100).reshape(10, 10), cmap="RdBu")
    axis.set_title("in black")
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=100)
    shown = page_image(figure)
    with Image.open(drawn) as one, Image.open(io.BytesIO(shown)) as other:
        expected, found = (np.asarray(image.convert("RGB"), int) for image in (one, other))
    assert np.abs(found - expected).max() <= 8  # of 255: half a step
    assert np.array_equal((found == 255).all(axis=2)[:5], np.ones((5, found.shape[1]), bool))
    assert (found == 0).all(axis=2).any()
