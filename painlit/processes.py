"""Worker processes that do not outlive the process that started them, and work for several of them."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from typing import TypeVar

from painlit.errors import PainlitError

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def unordered(
    function: Callable[[Piece], Result], pieces: Sequence[Piece], workers: int, what: str
) -> Iterator[Result]:
    """Results of `function` in the order they get ready; at most two pieces per worker are under way.

    Args:
        function: A module's function; it runs in processes that share the cores, one thread each.
        pieces: Its arguments.
        workers: Processes.
        what: What is being made, for the error.

    Raises:
        PainlitError: A process was ended from outside. What `function` raises is raised here.
    """
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, max(1, len(pieces))), mp_context=context, initializer=_start_worker)
    pending: set[Future] = set()
    waiting = iter(pieces)
    try:
        while True:
            for piece in waiting:
                pending.add(pool.submit(function, piece))
                if len(pending) >= 2 * workers:
                    break
            if not pending:
                return
            finished, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in finished:
                yield future.result()
    except BrokenProcessPool as error:
        raise PainlitError(
            f"a process that makes {what} was ended from outside (out of memory?)",
            "run the same command again: finished work is kept",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker() -> None:
    import cv2
    import torch

    end_with_parent()
    torch.set_num_threads(1)  # the processes share the cores
    cv2.setNumThreads(1)


def end_with_parent() -> None:
    """From now on, end this process as soon as its parent is gone, however that ended."""
    threading.Thread(target=_watch, daemon=True).start()


def _watch() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "only worker processes have a parent to watch"
    connection.wait([parent.sentinel])
    os._exit(1)
