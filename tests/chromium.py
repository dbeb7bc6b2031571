"""A headless Chromium that opens pages, and what every page must hold there."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PHONE, DESKTOP = (390, 844), (1280, 900)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Selenium's driver; without Chromium the test is skipped."""
    webdriver = pytest.importorskip("selenium.webdriver")
    programs = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if not all(programs):
        pytest.skip("Chromium and its driver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = programs[0]
    for flag in ("headless=new", "no-sandbox", "disable-gpu", "disable-background-networking", "disable-sync",
                 "disable-component-update", "no-first-run", "disable-dev-shm-usage"):  # fmt: skip
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=programs[1]))
    yield driver
    driver.quit()


def show(browser: Any, page: Path, size: tuple[int, int] = DESKTOP) -> None:
    """Open a page in a window of this size."""
    device = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", device)
    for log in ("browser", "performance"):  # of the page before
        browser.get_log(log)
    browser.get(page.as_uri())


def check_page(browser: Any, page: Path, size: tuple[int, int]) -> None:
    """No message so far, no request but for the page itself, nothing wider than the window, no broken image."""
    assert browser.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = {m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"}
    assert {url for url in asked if not url.startswith(("data:", "blob:"))} == {page.as_uri()}
    wide = browser.execute_script("return document.documentElement.scrollWidth")
    assert wide <= size[0], "only tables may scroll sideways, each in its own box"
    undecoded = "return [...document.images].filter(image => !image.naturalWidth || !image.alt).length"
    assert browser.execute_script(undecoded) == 0
