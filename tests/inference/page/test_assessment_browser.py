"""The page in headless Chromium: no message, no request, one cursor through all panels, by mouse and by keys."""

import base64
import time
from pathlib import Path

import chromium
import pytest
from chromium import DESKTOP, PHONE, check_page

READY = "return document.getElementById('chart').dataset.ready"
LINE = """
const line = document.getElementById('cursor').getBoundingClientRect();
const panels = [...document.querySelectorAll('#chart .draglayer .nsewdrag')].map(p => p.getBoundingClientRect());
return {x: line.left + line.width / 2, top: line.top, bottom: line.bottom,
        panels: panels.map(p => [p.left, p.right, p.top, p.bottom]),
        time: +document.getElementById('cursor').dataset.time, hidden: document.getElementById('cursor').hidden};
"""


def wait(browser, script: str, *arguments, seconds: float = 60):
    until = time.monotonic() + seconds
    while not (found := browser.execute_script(script, *arguments)):
        assert time.monotonic() < until, script
        time.sleep(0.05)
    return found


def show(browser, page: Path, size=DESKTOP) -> None:
    chromium.show(browser, page, size)
    wait(browser, READY)


def press(browser, *keys: str) -> str:
    chart = browser.find_element("id", "chart")
    for key in keys:
        chart.send_keys(key)
    return browser.find_element("id", "reading").text


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("pages")


LEFT, RIGHT, HOME, END = "\ue012", "\ue014", "\ue011", "\ue010"


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("which", ["long", "single", "odd"])
def test_it_opens_without_a_message_or_a_request_and_fits(browser, make_assessment, pages, which, size):
    if which == "long":
        found = make_assessment()
    elif which == "single":
        found = make_assessment(seconds=5.6, classes=("no pain", "severe"), ecg=False, spread=False, pictures=3)
    else:
        odd = "<b>&\"'</b><script>document.title='taken'</script>" + "a_long_name" * 20
        found = make_assessment(seconds=30, classes=(odd, "<img src=x onerror=document.title='taken'>"), recording=odd)
    page = found.save(pages / which, faces="show")
    show(browser, page, size)
    browser.execute_script("for (const part of document.querySelectorAll('details')) part.open = true")
    press(browser, RIGHT, "+", "0")
    check_page(browser, page, size)
    assert browser.title.startswith("Assessment of")
    assert browser.execute_script("return document.querySelectorAll('#chart .modebar-btn').length") == 0


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_keys_move_one_cursor_through_all_panels(browser, make_assessment, pages, size):
    found = make_assessment()
    show(browser, found.save(pages / "keys"), size)
    assert "0:00–0:05.5" in press(browser, RIGHT)
    assert "0:02–0:07.5" in press(browser, RIGHT, RIGHT)
    reading = press(browser, LEFT)
    assert "0:01–0:06.5" in reading
    row = found.table.iloc[1]
    assert f"score {row['score']:.2f} ± {row['spread']:.2f}, {row['prediction']}" in reading
    line = browser.execute_script(LINE)
    assert not line["hidden"]
    assert line["time"] == pytest.approx(3.75)
    assert len(line["panels"]) == 5
    for left, right, top, bottom in line["panels"]:
        assert line["top"] <= top + 1
        assert line["bottom"] >= bottom - 1
        assert line["x"] == pytest.approx(left + 3.75 / 300 * (right - left), abs=1.5)
    assert "no score: face found" in press(browser, HOME, *["\ue00f"] * 8)  # Page down
    assert "4:54–4:59.5" in press(browser, END)
    press(browser, HOME)
    assert "2:13–2:18.5" in press(browser, "p")
    assert "4:12" in press(browser, "p")
    assert browser.execute_script("return document.activeElement.id") == "chart"


def test_zoom_is_of_all_panels_and_has_ticks_and_faces_of_its_own(browser, make_assessment, pages):
    show(browser, make_assessment().save(pages / "zoom"))
    state = "const a = document.getElementById('chart')._fullLayout; return [a.xaxis.range, a.xaxis.ticktext," \
            " a.images.filter(i => i.visible).map(i => i.x), Object.keys(a).filter(k => /^xaxis/.test(k))]"  # fmt: skip
    whole, texts, faces, axes = browser.execute_script(state)
    assert whole == [0, 300]
    assert axes == ["xaxis"]
    press(browser, HOME, "p", "+", "+", "+", "+")
    wait(browser, "return document.getElementById('chart')._fullLayout.xaxis.range[1] < 160")
    near, close, few, _ = browser.execute_script(state)
    assert near[1] - near[0] == pytest.approx(300 / 16)
    assert near[0] < 135.75 < near[1]
    assert len(close) > 4
    assert close != texts
    assert len(few) < len(faces)
    assert not browser.execute_script(LINE)["hidden"]
    for button in ("out", "all"):
        browser.find_element("css selector", f"[data-do={button}]").click()
    wait(browser, "return document.getElementById('chart')._fullLayout.xaxis.range[1] == 300")


def test_the_mouse_moves_the_same_cursor(browser, make_assessment, pages):
    from selenium.webdriver import ActionChains

    show(browser, make_assessment().save(pages / "mouse"))
    chart = browser.find_element("id", "chart")
    browser.execute_script("arguments[0].scrollIntoView()", chart)
    for panel in (0, 3, 4):
        left, right, top, bottom = browser.execute_script(LINE)["panels"][panel]
        actions = ActionChains(browser)
        x, y = left + (right - left) * (panel + 1) / 10, (top + bottom) / 2
        actions.w3c_actions.pointer_action.move_to_location(int(x), int(y))
        actions.perform()
        wanted = 300 * (panel + 1) / 10
        wait(browser, f"return Math.abs(document.getElementById('cursor').dataset.time - {wanted}) < 3", seconds=10)
    assert browser.execute_script("return document.querySelectorAll('#chart .hoverlayer .hovertext').length") == 1


def test_paper_has_the_figure_in_its_width_and_no_buttons(browser, make_assessment, pages):
    show(browser, make_assessment().save(pages / "paper"))
    browser.execute_script(
        "addEventListener('beforeprint', () => window.printed = document.getElementById('chart')._fullLayout.width)"
    )
    printed = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"])
    assert printed.count(b"/Type /Page\n") == 2
    assert browser.execute_script("return window.printed") == 680
    wait(browser, "return document.getElementById('chart')._fullLayout.width > 900")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert not browser.find_element("css selector", ".buttons").is_displayed()
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_without_javascript_the_table_has_the_numbers(browser, make_assessment, pages):
    page = make_assessment(seconds=20).save(pages / "plain")
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(page.as_uri())
        body = browser.find_element("tag name", "body")
        assert "needs JavaScript" in body.text
        browser.find_element("tag name", "summary").click()
        assert "0:03–0:08.5" in browser.find_element("id", "windows").text
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
