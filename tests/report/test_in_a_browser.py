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


@pytest.fixture(params=["run", "tables", "preparation", "preparation-blur", "preparation-none"])
def report(request, results, line, preparation, tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    if request.param == "run":
        write_report(load(), results, path)
    elif request.param == "tables":
        write_tables(load(), [line] * 17, of=34, path=path)
    else:
        _, _, faces = request.param.partition("-")
        preparation.write(path, f"report.faces={faces or 'show'}")
    return path


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_it_opens_without_a_message_or_a_request_and_fits(browser, report: Path, size: tuple[int, int]):
    device = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", device)
    browser.get(report.as_uri())
    browser.execute_script("for (const part of document.querySelectorAll('details')) part.open = true")
    assert browser.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = {m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"}
    assert {url for url in asked if not url.startswith("data:")} == {report.as_uri()}
    width = browser.execute_script("return document.documentElement.scrollWidth")
    assert width <= size[0], "only tables may scroll sideways, each in its own box"
    assert browser.save_screenshot(str(report.with_suffix(".png")))
    assert report.with_suffix(".png").stat().st_size > 10_000, "there is something to see"
    undecoded = "return [...document.images].filter(image => !image.naturalWidth).length"
    assert browser.execute_script(undecoded) == 0


def test_a_preparation_is_read_by_keyboard_and_in_print(browser, preparation, tmp_path: Path):
    path = tmp_path / "report.html"
    preparation.write(path)
    size = {"width": DESKTOP[0], "height": DESKTOP[1], "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(path.as_uri())
    assert preparation.odd_name in browser.find_element("tag name", "body").text
    assert "taken" not in browser.title
    closed = "return [...document.querySelectorAll('details')].filter(d => d.offsetHeight < 60).length"
    assert browser.execute_script(closed) == 5
    body, reached = browser.find_element("tag name", "body"), set()
    for _ in range(12):
        body.send_keys("\ue004")  # Tab
        body = browser.switch_to.active_element
        reached.add(body.text)
        if body.tag_name == "summary":
            body.send_keys("\ue007")  # Enter
    assert {"Refused", "Repaired", "Faces", "Heart rates"} <= reached
    assert browser.execute_script(closed) == 0, "each part was opened"
    browser.get(path.as_uri())
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert browser.execute_script(closed) == 0
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
