"""What is printed: names as they are, on terminals of every encoding, until the reader goes away."""

from __future__ import annotations

import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

EXIT_BROKEN_PIPE = 141
"""128 and SIGPIPE: exit status of a command whose reader has closed the pipe."""


def console(width: int = 80) -> Console:
    """Where tables go: as wide as the terminal, or `width` where there is none. `[red]` in a name stays as it is."""
    found = Console(markup=False, emoji=False)
    if not found.is_terminal:
        found.width = width
    return found


def print_anything() -> None:
    """From now on, what the encoding of standard output lacks is printed as an escape, here and in new processes."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
        os.environ["PYTHONIOENCODING"] = f"{sys.stdout.encoding}:backslashreplace"


@contextmanager
def exit_on_broken_pipe() -> Iterator[None]:
    """Print all that is printed before the block ends, or exit with 141 as soon as the reader closes the pipe."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        if not _nobody_reads():
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes it once more
        sys.exit(EXIT_BROKEN_PIPE)


def _nobody_reads() -> bool:
    """Whether standard output is the broken pipe, and no other."""
    pipe = select.poll()
    pipe.register(sys.stdout.fileno(), 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in pipe.poll(0))
