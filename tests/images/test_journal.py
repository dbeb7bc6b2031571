import pytest

from painlit.errors import PainlitError
from painlit.images.journal import Examined, Journal

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
    journal.close()
    return journal


def test_what_was_found_is_known_but_for_problems(stopped):
    assert stopped.open("these images") == KNOWN
    stopped.add({8: Examined(11)})
    stopped.close()
    assert stopped.open("these images") == KNOWN | {8: Examined(11)}


def test_results_are_on_the_disk_before_it_is_closed(tmp_path):
    journal = Journal(tmp_path)
    journal.open("these images")
    journal.add(RESULTS)
    assert Journal(tmp_path).open("these images") == KNOWN


@pytest.mark.parametrize("purpose", ["other images", "these images\n", ""])
def test_another_purpose_starts_anew(stopped, purpose: str):
    assert stopped.open(purpose) == {}
    stopped.close()
    assert stopped.open(purpose) == {}
    stopped.close()
    assert stopped.open("these images") == {}


def test_wherever_it_is_torn_it_goes_on(stopped):
    whole = stopped.path.read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == ord("\n")]
    for size in range(len(whole) + 1):
        stopped.path.write_bytes(whole[:size])
        known = stopped.open("these images")
        assert known == dict(list(KNOWN.items())[: max(0, sum(end <= size for end in ends) - 1)]), size
        stopped.add({8: Examined(11)})
        stopped.close()
        assert stopped.open("these images") == known | {8: Examined(11)}, size
        stopped.close()


@pytest.mark.parametrize("rubbish", [b"\0" * 40, b"\xff\xfe\n", b"12\n", b"\0\0\n[1, 2, null]\n", b"[1, 2, nu\n"])
def test_what_a_power_cut_left_is_dropped(stopped, rubbish: bytes):
    with open(stopped.path, "ab") as handle:
        handle.write(rubbish)
    assert stopped.open("these images") == KNOWN
    stopped.add({8: Examined(11)})
    stopped.close()
    assert stopped.open("these images") == KNOWN | {8: Examined(11)}


def test_an_empty_file_starts_anew(stopped):
    stopped.path.write_bytes(b"")
    assert stopped.open("these images") == {}


def test_delete_leaves_nothing_and_may_be_repeated(stopped):
    stopped.delete()
    stopped.delete()
    assert not list(stopped.path.parent.iterdir())


def test_a_full_disk_is_named(tmp_path, full_disk):
    journal = Journal(tmp_path)
    journal.open("these images")
    with full_disk(1000), pytest.raises(PainlitError, match=r"examined\.jsonl: File too large"):
        journal.add({row: Examined(row) for row in range(500)})
