"""report.html that `make prepare` leaves: written when something changed, and no reason to stop."""

import pytest
from conftest import tiny

from experiments import prepare
from painlit.clips.table import open_table


@pytest.fixture
def page(tiny_data, runs):
    return tiny(tiny_data, runs).folder("prepare") / "report.html"


def test_it_is_written_anew_if_it_is_missing_or_shows_something_else(tiny_data, runs, page, capsys):
    config = tiny(tiny_data, runs)
    before, written = page.read_text(), page.stat().st_mtime_ns
    assert before.count("<img") in range(9, 13), "a frame of two roles is shown once"
    prepare.run(config)
    assert page.stat().st_mtime_ns == written
    assert f"look at it: {page}" in capsys.readouterr().out
    page.unlink()
    prepare.run(config)
    assert page.read_text() == before
    prepare.run(tiny(tiny_data, runs, "report.faces=none"))
    assert "<img" not in page.read_text()
    open_table(config)  # whether faces are shown is no matter of what is prepared


def test_one_that_cannot_be_written_leaves_the_preparation_as_it_is(tiny_data, runs, page, capsys):
    page.unlink()
    page.mkdir()
    assert prepare.run(tiny(tiny_data, runs)).clips == 12
    assert f"{page} could not be written" in capsys.readouterr().out
