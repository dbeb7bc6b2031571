"""The reports in headless Chromium: no console message, no request, nothing wider than a phone."""

from pathlib import Path

import pytest
from chromium import DESKTOP, PHONE, check_page, show
from paper_pages import write_page

from painlit.config import load
from painlit.report.run_report import write_report
from painlit.report.tables_report import write_tables


@pytest.fixture(params=["run", "tables", "paper", "preparation", "preparation-blur", "preparation-none"])
def report(request, results, line, preparation, tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    if request.param == "run":
        write_report(load(), results, path)
    elif request.param == "tables":
        write_tables(load(), [line] * 17, of=34, path=path)
    elif request.param == "paper":
        write_page(line, path, load(["spatial.depth=2", "data.is_biovid=false"]), epoch_share=0.02)
    else:
        _, _, faces = request.param.partition("-")
        preparation.write(path, f"report.faces={faces or 'show'}")
    return path


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_it_opens_without_a_message_or_a_request_and_fits(browser, report: Path, size: tuple[int, int]):
    show(browser, report, size)
    browser.execute_script("for (const part of document.querySelectorAll('details')) part.open = true")
    check_page(browser, report, size)
    assert browser.save_screenshot(str(report.with_suffix(".png")))
    assert report.with_suffix(".png").stat().st_size > 10_000, "there is something to see"


def test_a_preparation_is_read_by_keyboard_and_in_print(browser, preparation, tmp_path: Path):
    path = tmp_path / "report.html"
    preparation.write(path)
    show(browser, path)
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
