"""Work for torch on a CPU, dealt out to threads of one core each."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier, Lock
from typing import TypeVar

import torch

Part = TypeVar("Part")
Result = TypeVar("Result")
_STARTING = Lock()


def dealt_out(work: Callable[[Part], Result], parts: Iterable[Part]) -> Iterator[Result]:
    """Results of `work` in the order of `parts`, which are taken as they are needed: at most one more than threads.

    Torch divides each operation among all threads, and all wait for the last of them, hundreds of times in a network:
    where cores are shared with other work that doubles the time. Here a part has a core of its own, and no thread waits
    before the last part.

    Args:
        work: Runs in a thread; torch's modes, such as `inference_mode`, are of a thread, so it sets its own.
        parts: As many as threads or more, or cores stay idle.

    Raises:
        Exception: What `work` or `parts` raises; no further part is begun.
    """
    with _STARTING:
        threads = torch.get_num_threads()
    if threads == 1:
        yield from map(work, parts)
        return
    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        _give_one_each(pool, threads)
        for part in parts:
            waiting.append(pool.submit(work, part))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _give_one_each(pool: ThreadPoolExecutor, threads: int) -> None:
    """Start all threads of a pool, each with one of torch's; every other thread, also a new one, keeps its own."""
    started = Barrier(threads)

    def alone() -> None:
        torch.get_num_threads()  # a thread takes over the process's number when it first looks, so before it sets its
        torch.set_num_threads(1)
        started.wait()

    with _STARTING:  # what `alone` sets is the process's too, for a moment
        try:
            for future in [pool.submit(alone) for _ in range(threads)]:
                future.result()
        finally:
            started.abort()
            torch.set_num_threads(threads)
