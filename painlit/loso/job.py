"""What a process does that an engine gave one fold: output to log.txt, the fold's folder held, its work."""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from painlit.errors import PainlitError
from painlit.loso.finished import is_finished
from painlit.runs.folder import run_lock

if TYPE_CHECKING:
    from painlit.clips.pain_clips import PainClips

TOLD = 2
"""Outcome of a fold that ended with an error for the user, which would come again."""
FAILED = 1
"""Outcome of a fold that ended with any other error."""
_OTHER_PROCESS = 90.0  # s to wait for a process of a run before, which ends soon if its engine is gone


@dataclass(frozen=True)
class FoldJob:
    """One fold to train and test; plain values and arrays, so that it can travel to another process or machine."""

    name: str
    folder: Path
    """Where the fold leaves what it makes; absolute."""
    config: dict[str, Any]
    clips: PainClips | None
    """All usable clips, as the run's fingerprint knows them; None while they travel apart."""
    fingerprint: Mapping[str, Any]
    """What the run depends on."""

    @property
    def log(self) -> Path:
        """What the fold printed."""
        return self.folder / "log.txt"


def work(job: FoldJob, threads: int) -> int:
    """Run a fold in this process, which should do nothing else, and say how it went: 0, `TOLD` or `FAILED`."""
    from painlit.loso.fold import run_job  # here, because it imports Lightning

    with _output_to(job.log):
        import torch

        torch.set_num_threads(threads)
        print(f"fold {job.name}: process {os.getpid()}, {threads} threads", flush=True)
        try:
            with _held(job.folder):
                run_job(job)
        except PainlitError as error:
            print(f"\nerror: {error}", flush=True)
            return TOLD
        except SystemExit:  # Lightning's answer to SIGTERM, without a code
            print("ended by SIGTERM", flush=True)
            return FAILED
        except Exception:  # whatever it was, it belongs in this fold's log, and the other folds go on
            traceback.print_exc()
            return FAILED
    return 0


def checked(outcome: int, job: FoldJob) -> int:
    """The outcome, or `FAILED` where a fold claims to have ended well and is not finished."""
    return outcome or (0 if is_finished(job.folder) else FAILED)


def reason(outcome: int, job: FoldJob) -> str:
    """Why a fold ended early: the signal (a negative outcome), the error it told of, or the last line it wrote."""
    if outcome < 0:
        name = signal.Signals(-outcome).name
        return f"ended by {name}" + (" (out of memory?)" if name == "SIGKILL" else "") + f", see {job.log}"
    text = job.log.read_text(encoding="utf-8", errors="replace").strip() if job.log.is_file() else ""
    told = text.rpartition("\nerror: ")[2] if outcome == TOLD else text.rpartition("\n")[2].strip()
    return f"{told or 'it wrote nothing'}, see {job.log}"


@contextmanager
def _output_to(log: Path) -> Iterator[None]:
    """Append what this process prints to a file: Python's streams and the system's, which libraries write to."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "a", buffering=1, encoding="utf-8") as handle, redirect_stdout(handle), redirect_stderr(handle):
        before = [os.dup(stream) for stream in (1, 2)]
        try:
            for stream in (1, 2):
                os.dup2(handle.fileno(), stream)
            yield
        finally:
            for stream, old in zip((1, 2), before, strict=True):
                os.dup2(old, stream)
                os.close(old)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold the fold's folder: on a cluster, a node that seems dead may still work on a fold that was given away."""
    end = time.monotonic() + _OTHER_PROCESS
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(run_lock(folder))
                break
            except PainlitError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)
        yield
