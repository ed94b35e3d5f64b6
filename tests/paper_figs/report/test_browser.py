"""The page in headless Chromium, from disk: nothing wider than the screen, no message, no request, readable colours."""

import json
from pathlib import Path

import pytest
from selenium.webdriver.support.wait import WebDriverWait

from paper_figs.report.page import build
from tests.conftest import ROOT
from tests.paper_figs.report.made_contents import contents, figures

WIDTHS = (320, 390, 820, 1280)  # the narrowest telephone, a usual one, a tablet, a desk
MEASURE = (Path(__file__).parent / "measure_page.js").read_text()


def show(browser, page, width, scheme):
    """Open a page at this width, in this colour scheme, with all details opened."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    )
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(page.as_uri())
    browser.execute_script("for (const part of document.querySelectorAll('details')) part.open = true")


def faults(browser, page, width, scheme):
    """Everything wrong with a page at this width, in this colour scheme, with all details opened."""
    for log in ("browser", "performance"):
        browser.get_log(log)  # empties it of what was before, such as Chromium's own first page
    show(browser, page, width, scheme)
    wrong = browser.execute_script(MEASURE, width)
    messages = [entry["message"] for entry in browser.get_log("browser") if entry["level"] in ("WARNING", "SEVERE")]
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert page.as_uri() in urls  # so that requests are seen at all
    # Chromium's own first page may still be loading its parts.
    return wrong + messages + [url[:100] for url in urls if not url.startswith(("file:", "data:", "chrome:"))]


@pytest.mark.slow
def test_the_page_reads_well_on_every_screen(browser, tmp_path):
    for name, html in (("report", build(contents(), figures())), ("empty", build({}, []))):
        page = tmp_path / f"{name}.html"
        page.write_text(html, encoding="utf-8")
        for width in WIDTHS:
            for scheme in ("light", "dark"):
                assert faults(browser, page, width, scheme) == [], (name, width, scheme)


@pytest.mark.slow
def test_the_shipped_page_is_light_enough():
    assert (ROOT / "docs" / "results" / "report.html").stat().st_size < 3e6


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(WIDTHS[0], "light"), (WIDTHS[-1], "dark")])
def test_the_shipped_page_does_too(browser, width, scheme):
    """All of its size, which costs seconds a screen: on the narrowest and on the widest."""
    assert faults(browser, ROOT / "docs" / "results" / "report.html", width, scheme) == []


def barriers(browser, axe):
    """The rules that the open page breaks, as axe-core has them: WCAG 2.2 at level AA, and good practice."""
    browser.set_script_timeout(180)  # on a machine with other work
    browser.execute_script(axe)
    return browser.execute_async_script(
        "axe.run(document, {resultTypes: ['violations']}).then((found) => arguments[0](found.violations.map("
        "(rule) => `${rule.impact}: ${rule.id}: ${rule.nodes[0].html.slice(0, 200)}`)))"
    )


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (820, "light"), (1280, "dark")])
def test_axe_finds_no_barrier(browser, axe, tmp_path, width, scheme):
    """All parts of the page with few rows; the shipped one takes minutes, and has no other elements."""
    page = tmp_path / "report.html"
    page.write_text(build(contents(), figures()[:2]), encoding="utf-8")
    show(browser, page, width, scheme)
    assert barriers(browser, axe) == []


def test_axe_finds_a_planted_barrier(browser, axe, tmp_path):
    page = tmp_path / "planted.html"
    page.write_text("<!DOCTYPE html><html lang='en'><title>a</title><main><h1>a</h1><img src='data:,'></main>")
    show(browser, page, 390, "light")
    assert any("image-alt" in barrier for barrier in barriers(browser, axe))


def test_a_telephone_shows_the_verdicts_as_cards(browser, tmp_path):
    """Each row by itself with the headings as names, and nothing to be scrolled sideways; a desk shows a table."""
    page = tmp_path / "report.html"
    page.write_text(build(contents(), []), encoding="utf-8")
    ask = """
        const row = document.querySelector("#claims tbody tr"), cell = row.querySelector("td");
        const box = document.querySelector("#claims .scroll");
        const scrolls = box.scrollWidth > box.clientWidth;
        return [getComputedStyle(row).display, getComputedStyle(cell, "::before").content, scrolls]
    """
    show(browser, page, 390, "light")
    assert browser.execute_script(ask) == ["block", '"Question"', False]
    show(browser, page, 1280, "light")
    assert browser.execute_script(ask) == ["table-row", "none", False]


@pytest.mark.parametrize(("width", "is_open"), [(390, False), (1280, True)])
def test_the_contents_stay(browser, tmp_path, width, is_open):
    page = tmp_path / "report.html"
    page.write_text(build(contents(), []), encoding="utf-8")
    show(browser, page, width, "light")
    browser.get("about:blank")  # or the next line would scroll and not load
    browser.get(page.as_uri() + "#method")  # far down
    WebDriverWait(browser, 10).until(lambda browser: browser.execute_script("return scrollY") > 2000)
    ask = "const nav = document.querySelector('nav.contents'); return nav.getBoundingClientRect().top"
    assert browser.execute_script(ask) == 0
    assert browser.execute_script("return document.querySelector('nav.contents details').open") is is_open


def test_both_colour_schemes_are_there_and_figures_stand_on_white(browser, tmp_path):
    page = tmp_path / "report.html"
    page.write_text(build(contents(), figures()), encoding="utf-8")
    ask = "return ['body', 'img'].map((tag) => getComputedStyle(document.querySelector(tag)).backgroundColor)"
    grounds = []
    for scheme in ("light", "dark"):
        faults(browser, page, 390, scheme)
        ground, picture = browser.execute_script(ask)
        assert picture == "rgb(255, 255, 255)"
        grounds.append(ground)
    assert grounds[0] != grounds[1]


@pytest.mark.parametrize(
    ("planted", "word"),
    [
        ("<div style='width: 400px'>wide</div>", "beyond the screen: <div"),
        ("<p style='white-space: nowrap'>" + "wide " * 40 + "</p>", "the page is"),
        ("<img alt='lost' src='data:image/png;base64,AAAA'>", "no picture: lost"),
        ("<p style='color: #888; background: #fff'>faint</p>", "contrast 3.54"),
        ("<script>console.error('planted')</script>", "planted"),
        ("<script>fetch('http://127.0.0.1:9/planted').catch(() => 0)</script>", "http://127.0.0.1:9/planted"),
    ],
)
def test_a_planted_fault_is_found(browser, tmp_path, planted, word):
    page = tmp_path / "planted.html"
    html = f"<!DOCTYPE html><meta name='viewport' content='width=device-width'><link rel='icon' href='data:,'>{planted}"
    page.write_text(html, encoding="utf-8")
    assert any(word in fault for fault in faults(browser, page, 390, "light"))
