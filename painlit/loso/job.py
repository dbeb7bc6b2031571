"""What a process does that an engine gave one fold: the fold's folder held, output to log.txt, its work."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from painlit.config import from_dict
from painlit.errors import PainlitError, TerminatedError
from painlit.loso.finished import accepted, binding, fold_fingerprint, is_finished
from painlit.loso.progress import forget_epoch
from painlit.loso.protocols import folds
from painlit.runs.artefact import read_artefact, write_artefact
from painlit.runs.code import CODE
from painlit.runs.folder import HeldError, check_fingerprint, run_lock
from painlit.system.processes import named_loader_errors

if TYPE_CHECKING:
    from painlit.loso.data import FoldData

EXIT_FAILED = 1
"""Outcome of a fold that ended with an error that another try may not meet."""
EXIT_USER_ERROR = 2
"""Outcome of a fold that ended with an error for the user, which would come again."""
EXIT_HELD = 3
"""Outcome where another process holds the fold, of another call of `make loso` or of a node that seemed dead, or has
finished it since this one was started."""


@dataclass(frozen=True)
class FoldJob:
    """One fold to train and test; plain values and arrays, so that it can travel to another process or machine."""

    name: str
    folder: Path
    """Where the fold leaves what it makes; absolute."""
    config: dict[str, Any]
    data: FoldData | None
    """All usable clips and what models start from; None while they travel apart."""
    fingerprint: Mapping[str, Any]
    """What the run depends on."""

    @property
    def log(self) -> Path:
        """What the fold printed."""
        return self.folder / "log.txt"


@dataclass
class Outcomes:
    """How folds ended."""

    trained: list[str] = field(default_factory=list)
    """Finished by this call; others may have been by other calls."""
    failed: dict[str, str] = field(default_factory=dict)
    """Fold -> reason."""


def work(job: FoldJob, threads: int) -> int:
    """Run a fold in this process, which should do nothing else, and return its outcome: 0 or one of `EXIT_…`."""
    try:
        with run_lock(job.folder):
            if is_finished(job.folder):
                return EXIT_HELD
            with _output_to(job.log):
                return _work(job, threads)
    except HeldError:
        return EXIT_HELD


def _work(job: FoldJob, threads: int) -> int:
    import torch  # here, as the run's own process need not

    torch.set_num_threads(threads)
    print(f"fold {job.name}: process {os.getpid()}, {threads} threads", flush=True)
    try:
        with named_loader_errors():
            run_job(job)
    except PainlitError as error:
        print(f"\nerror: {error}", flush=True)
        return EXIT_USER_ERROR
    except TerminatedError:
        print("ended by SIGTERM", flush=True)
        return EXIT_FAILED
    except Exception:  # whatever it was, it belongs in this fold's log, and the other folds go on
        traceback.print_exc()
        return EXIT_FAILED
    return 0


def run_job(job: FoldJob) -> None:
    """Run one fold of a run in its folder, to the end.

    Raises:
        PainlitError: The folder holds work of another configuration, version or data, or something else is wrong with
            the fold.
    """
    from painlit.loso.fold import run_fold  # here, because it imports Lightning

    assert job.data is not None
    config = from_dict(job.config)
    now = fold_fingerprint(job.fingerprint, job.name)
    check_fingerprint(job.folder, now, accept=accepted(config))
    if not (job.folder / "checkpoints" / "last.ckpt").is_file():
        forget_epoch(job.folder)  # of a process that came to no checkpoint
    fold = next(f for f in folds(config, job.data.clips) if f.name == job.name)
    made_from = binding(job.fingerprint, job.name)
    _, metrics = run_fold(config, fold, job.data, job.folder, made_from)
    began = read_artefact(job.folder / "fingerprint.json", f"delete {job.folder}")
    metrics[CODE] = sorted({began[CODE], now[CODE]})
    write_artefact(job.folder / "metrics.json", metrics, made_from)
    forget_epoch(job.folder)


def checked(outcome: int, job: FoldJob) -> int:
    """The outcome, or `EXIT_FAILED` where a fold claims to have ended well and is not finished."""
    return outcome or (0 if is_finished(job.folder) else EXIT_FAILED)


def reason(outcome: int, job: FoldJob) -> str:
    """Why a fold ended early: the signal (a negative outcome), its error, or the last line it wrote."""
    if outcome < 0:
        name = signal.Signals(-outcome).name
        return f"ended by {name}" + (" (out of memory?)" if name == "SIGKILL" else "") + f", see {job.log}"
    text = job.log.read_text(encoding="utf-8", errors="replace").strip() if job.log.is_file() else ""
    last = text.rpartition("\nerror: ")[2] if outcome == EXIT_USER_ERROR else text.rpartition("\n")[2].strip()
    return f"{last or 'it wrote nothing'}, see {job.log}"


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
