"""Time and memory of work in a process of its own, and of commands with all their processes (Linux)."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple, TypeVar

from experiments.bench.timing import seconds
from painlit.errors import PainlitError
from painlit.system.processes import forking

Result = TypeVar("Result")
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of prctl(2)


class Cost(NamedTuple):
    """What some work took."""

    seconds: float
    cpu: float
    """s of all cores, which other work on the machine changes less."""
    megabytes: float
    """Greatest resident size of the process above that before the work."""
    own: float
    """The same without files that are mapped, whose memory is given back when it is short; seen every 10 ms."""

    @classmethod
    def of(cls, work: Callable[[], object]) -> Cost:
        """Do it, in a process that has done nothing large before."""
        before, own, cpu = _resident("VmRSS"), _resident("RssAnon"), time.process_time()
        done, seen = Event(), [own]

        def watch() -> None:
            while not done.wait(0.01):
                seen.append(_resident("RssAnon"))

        watching = Thread(target=watch)
        watching.start()
        took = seconds(work)
        done.set()
        watching.join()
        return cls(took, time.process_time() - cpu, _resident("VmHWM") - before, max(seen) - own)


def in_new_process(function: Callable[..., Result], *arguments: Any) -> Result:
    """What a module's function returns there."""
    with ProcessPoolExecutor(1, mp_context=forking()) as pool:
        return pool.submit(function, *arguments).result()


class Use(NamedTuple):
    """Of a command."""

    wall: float
    cpu: float
    """s, of all its processes."""
    idle: float
    """s of cores that nobody on this machine used."""

    def scaled(self, other: Use, mine: int, others: int, wanted: int) -> Use:
        """What `wanted` clips take, on the line through this run of `mine` clips and the other one."""
        part = (wanted - mine) / (others - mine)
        return Use(*(a + part * (b - a) for a, b in zip(self, other, strict=True)))


def use_of(command: list[str]) -> Use:
    """Run a command: to be called in a process that has no other children.

    Processes that outlive the one which started them become children of this one, so that their time is counted too.
    """
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    started, idle = time.monotonic(), _idle()
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    wall, idle = time.monotonic() - started, _idle() - idle
    if ended.returncode:
        raise PainlitError(f"{' '.join(command)} failed: {ended.stderr[-500:]}", "see its message")
    with suppress(ChildProcessError):
        while True:
            os.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Use(wall, used.ru_utime + used.ru_stime, idle)


def _idle() -> float:
    ticks = Path("/proc/stat").read_text(encoding="ascii").split(maxsplit=6)[4:6]  # idle, and waiting for a disk
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def _resident(which: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(which)) / 1024
