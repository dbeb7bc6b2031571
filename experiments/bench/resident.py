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
from painlit.system.processes import cores, forking

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
    """Of a command with all its processes; s."""

    wall: float
    cpu: float
    """Of all cores."""
    wanted: float
    """Of cores that its threads ran on or waited for, at most all there are: what it uses where nothing else runs."""

    def scaled(self, other: Use, mine: int, others: int, wanted: int) -> Use:
        """What `wanted` clips take, on the line through this run of `mine` clips and the other one."""
        part = (wanted - mine) / (others - mine)
        return Use(*(a + part * (b - a) for a, b in zip(self, other, strict=True)))


def use_of(command: list[str]) -> Use:
    """Run a command: to be called in a process that has no other children.

    Processes that outlive the one which started them become children of this one, so that their time is counted too.
    """
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    done, seen = Event(), list[int]()

    def watch() -> None:
        while not done.wait(0.2):
            seen.append(min(cores(), _runnable(os.getpid())))

    watching = Thread(target=watch)
    watching.start()
    started = time.monotonic()
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    wall = time.monotonic() - started
    done.set()
    watching.join()
    if ended.returncode:
        raise PainlitError(f"{' '.join(command)} failed: {ended.stderr[-500:]}", "see its message")
    with suppress(ChildProcessError):
        while True:
            os.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Use(wall, used.ru_utime + used.ru_stime, wall * sum(seen) / max(1, len(seen)))


def _runnable(root: int) -> int:
    """Threads of all processes below this one that run or wait for a core."""
    stats = ((path, _stat(path)) for path in Path("/proc").glob("[0-9]*/stat"))
    parents = {int(path.parent.name): int(fields[1]) for path, fields in stats if fields}
    below, more = set[int](), {root}
    while more:
        more = {pid for pid, parent in parents.items() if parent in more}
        below |= more
    threads = (path for pid in below for path in Path(f"/proc/{pid}/task").glob("*/stat"))
    return sum(_stat(path)[:1] == ["R"] for path in threads)


def _stat(path: Path) -> list[str]:
    """State, parent and what follows in a stat file of /proc; nothing if its process has just ended."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _resident(which: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(which)) / 1024
