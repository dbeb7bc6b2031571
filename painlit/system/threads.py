"""Work in threads: torch's on a CPU, dealt out to one core each; and streams that run beside each other."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, Queue
from threading import Barrier, Event, Lock, Thread
from typing import TypeVar, cast

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


def side_by_side(streams: Sequence[Iterable[Part]], waiting: int = 1) -> Generator[Part, None, None]:
    """Items of streams in the order they get ready; each stream is run by a thread of its own, ahead of who takes them.

    Args:
        streams: Torch's modes, such as `inference_mode`, are of a thread, so each sets its own.
        waiting: Items that may be ready before they are taken; each stream may hold one more.

    Raises:
        BaseException: What a stream raises. That, and closing what is returned, stops the others at their next item.
    """
    ready: Queue[tuple[bool, Part | BaseException | None]] = Queue(waiting)
    stopped = Event()

    def run(stream: Iterable[Part]) -> None:
        try:
            for item in stream:
                ready.put((True, item))
                if stopped.is_set():
                    return
            ready.put((False, None))
        except BaseException as error:  # it belongs to the thread that takes
            ready.put((False, error))
        finally:
            if isinstance(stream, Generator):
                stream.close()

    threads = [Thread(target=run, args=(stream,), daemon=True) for stream in streams]
    try:
        for thread in threads:
            thread.start()
        working = len(threads)
        while working:
            is_item, found = ready.get()
            if is_item:
                yield cast(Part, found)
            elif found is not None:
                raise cast(BaseException, found)
            else:
                working -= 1
    finally:
        stopped.set()
        while any(thread.is_alive() for thread in threads):
            with suppress(Empty):  # they may be waiting for room
                ready.get(timeout=0.01)
