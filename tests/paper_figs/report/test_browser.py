"""The page in headless Chromium, from disk: nothing wider than the screen, no message, no request, readable colours."""

import json
import os
import shutil
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from paper_figs.report.page import build
from tests.conftest import ROOT
from tests.paper_figs.report.made_contents import contents, figures

WIDTHS = (320, 390, 1280)  # the narrowest telephone, a usual one, a desk
MEASURE = (Path(__file__).parent / "measure_page.js").read_text()
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Chromium with a new profile, driven by Debian's driver."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        words = "no chromium and chromedriver here; Debian's are in the packages chromium and chromium-driver"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(options=options, service=Service(driver))
    yield started
    started.quit()


def faults(browser, page, width, scheme):
    """Everything wrong with a page at this width, in this colour scheme, with all details opened."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    )
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    for log in ("browser", "performance"):
        browser.get_log(log)  # empties it of what was before, such as Chromium's own first page
    browser.get(page.as_uri())
    browser.execute_script("for (const part of document.querySelectorAll('details')) part.open = true")
    wrong = browser.execute_script(MEASURE, width)
    messages = [entry["message"] for entry in browser.get_log("browser") if entry["level"] in ("WARNING", "SEVERE")]
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert page.as_uri() in urls  # so that requests are seen at all
    return wrong + messages + [url[:100] for url in urls if not url.startswith(("file:", "data:"))]


@pytest.mark.slow
def test_the_page_reads_well_on_every_screen(browser, tmp_path):
    for name, html in (("report", build(contents(), figures())), ("empty", build({}, []))):
        page = tmp_path / f"{name}.html"
        page.write_text(html, encoding="utf-8")
        for width in WIDTHS:
            for scheme in ("light", "dark"):
                assert faults(browser, page, width, scheme) == [], (name, width, scheme)


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(WIDTHS[0], "light"), (WIDTHS[-1], "dark")])
def test_the_shipped_page_does_too(browser, width, scheme):
    """All of its size, which costs seconds a screen: on the narrowest and on the widest."""
    assert faults(browser, ROOT / "docs" / "results" / "report.html", width, scheme) == []


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
