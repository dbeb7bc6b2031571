import multiprocessing
import os

import pytest

from painlit.errors import PainlitError
from painlit.images.journal import Examined, Journal
from painlit.system.database import database

RESULTS = {
    5: Examined(2**64 - 1, (0.1, -2.5, 30.25, 1e3)),
    0: Examined(7),
    3: Examined(9, problem="no face"),
    4: Examined(problem="empty", unreadable=True),
}
KNOWN = {row: result for row, result in RESULTS.items() if not result.problem}


@pytest.fixture
def stopped(tmp_path):
    """A journal of a build that was stopped."""
    journal = Journal(tmp_path / "index")
    assert journal.open("these images") == {}
    journal.add(RESULTS)
    return journal


def test_what_was_found_is_known_but_for_problems(stopped):
    assert stopped.open("these images") == KNOWN
    stopped.add({8: Examined(11)})
    assert stopped.open("these images") == KNOWN | {8: Examined(11)}


def test_results_are_on_the_disk_before_it_is_closed(tmp_path):
    journal = Journal(tmp_path)
    journal.open("these images")
    journal.add(RESULTS)
    assert Journal(tmp_path).open("these images") == KNOWN


@pytest.mark.parametrize("purpose", ["other images", "these images\n", ""])
def test_another_purpose_starts_anew(stopped, purpose: str):
    assert stopped.open(purpose) == {}
    assert stopped.open(purpose) == {}
    assert stopped.open("these images") == {}


def test_a_process_that_dies_while_it_notes_leaves_what_it_had(stopped):
    child = multiprocessing.get_context("fork").Process(target=_die_within_a_transaction, args=(stopped.path,))
    child.start()
    child.join()
    assert child.exitcode == 7
    assert stopped.open("these images") == KNOWN
    stopped.add({8: Examined(11)})
    assert stopped.open("these images") == KNOWN | {8: Examined(11)}


def _die_within_a_transaction(path):
    with database(path) as db:
        db.execute("PRAGMA cache_size = 0")  # so that rows reach the disk before the transaction ends
        db.executemany("INSERT INTO images VALUES (?, x'00', x'', NULL)", [(row,) for row in range(100, 5000)])
        os._exit(7)


def test_a_damaged_file_is_named(stopped):
    stopped.path.write_bytes(b"no database " * 100)
    with pytest.raises(PainlitError, match=r"examined\.sqlite: file is not a database"):
        stopped.open("these images")


def test_delete_leaves_nothing_and_may_be_repeated(stopped):
    stopped.delete()
    stopped.delete()
    assert not list(stopped.path.parent.iterdir())


def test_a_full_disk_is_named(tmp_path, full_disk):
    journal = Journal(tmp_path)
    journal.open("these images")
    with full_disk(1000), pytest.raises(PainlitError, match=r"examined\.sqlite: .*(full|I/O)"):
        journal.add({row: Examined(row) for row in range(500)})
