"""Work dealt out to threads."""

import threading

import pytest
import torch

from painlit.system.threads import dealt_out


@pytest.fixture(autouse=True)
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_results_are_in_order_although_a_later_part_is_ready_first():
    last_is_done = threading.Event()

    def work(part):
        if part:
            last_is_done.set()
        else:
            assert last_is_done.wait(60)
        return 10 * part

    assert list(dealt_out(work, [0, 1])) == [0, 10]


def test_a_part_has_one_of_torchs_threads_and_the_process_gets_its_own_back():
    assert set(dealt_out(lambda _: torch.get_num_threads(), range(8))) == {1}
    assert torch.get_num_threads() == 2


def test_parts_are_taken_as_they_are_needed():
    taken = []

    def parts():
        for part in range(100):
            taken.append(part)
            yield part

    results = dealt_out(lambda part: part, parts())
    assert next(results) == 0
    assert len(taken) == 3
    results.close()
    assert torch.get_num_threads() == 2


def test_an_error_is_raised_and_nothing_is_begun_after_it():
    begun = []

    def work(part):
        begun.append(part)
        if part == 1:
            raise ValueError("part 1")
        return part

    with pytest.raises(ValueError, match="part 1"):
        list(dealt_out(work, range(100)))
    assert len(begun) <= 4
    assert torch.get_num_threads() == 2


def test_one_thread_works_in_the_callers():
    torch.set_num_threads(1)
    assert set(dealt_out(lambda _: threading.current_thread(), range(3))) == {threading.current_thread()}
