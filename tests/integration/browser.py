"""A real browser for tests: Debian's chromium, without a screen and without the network."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service


@contextlib.contextmanager
def open_browser(profile: Path) -> Iterator[webdriver.Chrome]:
    """Start chromium with a fresh profile; the test is skipped where it is not installed."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip(
            "no browser: chromium and chromedriver are not installed (apt-get install chromium chromium-driver)"
        )
    options = Options()
    options.binary_location = chromium
    for argument in (
        "--headless",
        "--disable-gpu",
        "--disable-background-networking",
        "--no-first-run",
        "--window-size=1600,1200",
        f"--user-data-dir={profile}",
        *(["--no-sandbox"] if os.getuid() == 0 else []),
    ):
        options.add_argument(argument)
    browser = webdriver.Chrome(options, Service(driver))
    try:
        yield browser
    finally:
        browser.quit()


def show(browser: webdriver.Chrome, url: str, *words: str, within: float = 60) -> str:
    """Open an address and return the text of the page as soon as it has all these words."""
    browser.get("about:blank")  # else a change of the part behind # loads nothing
    browser.get(url)
    deadline = time.monotonic() + within
    text = ""
    while time.monotonic() < deadline:
        text = browser.execute_script("return document.body ? document.body.innerText : ''")
        if all(word in text for word in words):
            return text
        time.sleep(0.2)
    raise AssertionError(f"{url} does not show {[word for word in words if word not in text]}; it shows:\n{text}")
