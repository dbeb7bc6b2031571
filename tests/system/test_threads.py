"""Work dealt out to threads."""

import threading
import time

import pytest
import torch

from painlit.system.threads import dealt_out, side_by_side


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


def test_other_threads_keep_their_number_while_parts_are_worked_on():
    """Also one that begins meanwhile, as a server's do: what it finds first it keeps for good."""
    numbers = []

    def new_thread():
        thread = threading.Thread(target=lambda: numbers.append(torch.get_num_threads()))
        thread.start()
        thread.join()

    results = dealt_out(lambda _: new_thread(), range(4))
    next(results)
    new_thread()
    torch.set_num_threads(3)
    assert len(list(results)) == 3
    new_thread()
    assert numbers[0] == 2
    assert numbers[-1] == torch.get_num_threads() == 3


def test_several_threads_deal_out_at_once(monkeypatch):
    numbers = []

    class SlowBarrier(threading.Barrier):
        def wait(self, timeout=None):
            time.sleep(0.05)  # the number of the whole process is 1 meanwhile
            return super().wait(timeout)

    monkeypatch.setattr("painlit.system.threads.Barrier", SlowBarrier)

    def deal():
        numbers.append((set(dealt_out(lambda _: torch.get_num_threads(), range(20))), torch.get_num_threads()))

    threads = [threading.Thread(target=deal) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers == [({1}, 2)] * 4


def test_after_an_interrupt_nothing_goes_on():
    begun, ended = [], []

    def work(part):
        begun.append(part)
        if part == 1:
            raise KeyboardInterrupt
        time.sleep(0.1)
        ended.append(part)

    with pytest.raises(KeyboardInterrupt):
        list(dealt_out(work, range(100)))
    assert len(begun) == len(ended) + 1


def test_streams_run_beside_each_other_and_ahead():
    """Each waits for the other's first item, and the second of one is ready before its first is taken."""
    begun = [threading.Event(), threading.Event()]

    def stream(number):
        begun[number].set()
        assert begun[1 - number].wait(60)
        yield from (10 * number, 10 * number + 1)

    found = list(side_by_side([stream(0), stream(1)]))
    assert sorted(found) == [0, 1, 10, 11]
    assert found.index(0) < found.index(1)
    assert found.index(10) < found.index(11)
    assert list(side_by_side([[1, 2, None, 3]])) == [1, 2, None, 3]
    assert list(side_by_side([])) == []


def test_a_stream_runs_no_further_ahead_than_it_may():
    taken: list[int] = []
    before = threading.active_count()
    stream = side_by_side([map(taken.append, range(100))], waiting=3)
    next(stream)
    deadline = time.monotonic() + 60
    while len(taken) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    assert len(taken) == 5  # one taken, three ready, one in hand
    stream.close()
    assert len(taken) < 10
    assert threading.active_count() == before


def test_what_a_stream_raises_is_raised_and_stops_the_others():
    stopped = threading.Event()

    def endless():
        try:
            while True:
                yield 0
        finally:
            stopped.set()

    def broken():
        yield 1
        raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        list(side_by_side([endless(), broken()]))
    assert stopped.wait(60)
