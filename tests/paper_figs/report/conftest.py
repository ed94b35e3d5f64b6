"""Headless Chromium for the tests of the page, and axe-core, which looks for barriers in it."""

import os
import shutil
from importlib import resources, util

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

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


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Chromium with a new profile, driven by Debian's driver."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        _leave_out("no chromium and chromedriver here; Debian's are in the packages chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(options=options, service=Service(driver))
    yield started
    started.quit()


@pytest.fixture(scope="session")
def axe():
    """The source of axe-core, which the package axe-playwright-python ships; Playwright itself is not used."""
    if not util.find_spec("axe_playwright_python"):
        _leave_out("no axe-core here; it is in the package axe-playwright-python, of the extra test")
    return (resources.files("axe_playwright_python") / "axe.min.js").read_text()


def _leave_out(reason):
    """Skip, but fail where the whole suite is to run."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
