"""The reports in headless Chromium: no console message, no request, nothing wider than a phone."""

import json
import shutil
from pathlib import Path

import pytest

from painlit.config import load
from painlit.report.run_report import write_report
from painlit.report.tables_report import write_tables

PHONE, DESKTOP = (390, 844), (1280, 900)


@pytest.fixture(scope="module")
def browser():
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


@pytest.fixture(params=["run", "tables"])
def report(request, results, line, tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    if request.param == "run":
        write_report(load(), results, path)
    else:
        write_tables(load(), [line] * 17, of=34, path=path)
    return path


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_it_opens_without_a_message_or_a_request_and_fits(browser, report: Path, size: tuple[int, int]):
    device = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", device)
    browser.get(report.as_uri())
    assert browser.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = {m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"}
    assert {url for url in asked if not url.startswith("data:")} == {report.as_uri()}
    width = browser.execute_script("return document.documentElement.scrollWidth")
    assert width <= size[0], "only tables may scroll sideways, each in its own box"
    assert browser.save_screenshot(str(report.with_suffix(".png")))
    assert report.with_suffix(".png").stat().st_size > 10_000, "there is something to see"
