"""A progress bar with time left on a terminal, a line now and then anywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from painlit.system.terminal import console

_LINE_EVERY = 20.0  # s between lines where there is no terminal


@contextmanager
def progress_bar(title: str, total: int, done: int = 0) -> Iterator[Callable[..., None]]:
    """Gives a function to call after each finished piece, or with the number of them.

    Args:
        title: What is being done.
        total: All pieces.
        done: Pieces an earlier run finished.
    """
    terminal = console()
    if terminal.is_terminal:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, TimeRemainingColumn(), console=terminal) as bar:
            task = bar.add_task(title, total=total, completed=done)
            yield lambda pieces=1: bar.advance(task, pieces)
        return
    start = last = time.monotonic()
    count, first = done, None

    def advance(pieces: int = 1) -> None:
        nonlocal count, last, first
        count += pieces
        now = time.monotonic()
        first = first or (now, count)  # before it, processes start and files are found
        if now - last >= _LINE_EVERY and count < total:
            seconds, pieces = now - first[0], count - first[1]
            left = f", about {seconds / pieces * (total - count):.0f} s left" if pieces else ""
            print(f"{title}: {count}/{total}{left}", flush=True)
            last = now

    yield advance
    print(f"{title}: {count}/{total} in {time.monotonic() - start:.0f} s", flush=True)
