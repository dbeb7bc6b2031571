"""Folds on this machine: a queue of processes, one or several per GPU, or a few on the CPU.

Each fold is a process of its own, forked from a server that has imported the heavy packages once. If this process dies,
its folds die with it, so a second `make loso` never trains beside a first.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from multiprocessing import connection
from multiprocessing.process import BaseProcess

from painlit.config import Config, from_dict
from painlit.loso.finished import is_finished
from painlit.loso.job import EXIT_HELD, EXIT_USER_ERROR, FoldJob, Outcomes, checked, reason, work
from painlit.loso.progress import LosoProgress
from painlit.runs.folder import is_held
from painlit.system.devices import check_accelerator
from painlit.system.processes import cores, end_with_parent, forking

_POLL_SECONDS = 1.0  # s between updates of the folds' progress


def run_folds(jobs: Sequence[FoldJob], progress: LosoProgress) -> Outcomes:
    """See `painlit.loso.engines.Engine`."""
    config = from_dict(jobs[0].config)
    check_accelerator("train.accelerator", config.train.accelerator)  # once, and not in every fold
    gpus = gpu_count(config)
    slots = list(range(fold_slots(config, gpus, progress.folds)))
    threads = config.loso.threads or max(1, cores() // len(slots))
    context = forking()
    waiting, running, ended = list(jobs), dict[int, tuple[FoldJob, int, BaseProcess]](), Outcomes()
    tried_again: set[str] = set()
    try:
        while waiting or running:
            while slots and (job := _take(waiting, progress)):
                slot = slots.pop(0)
                fold = context.Process(target=_fold_process, args=(job, slot % gpus if gpus else None, threads))
                fold.start()
                running[fold.sentinel] = (job, slot, fold)
            if not running and waiting:
                time.sleep(_POLL_SECONDS)  # other calls hold all that is left
            for sentinel in connection.wait(list(running), timeout=_POLL_SECONDS):
                job, slot, process = running.pop(sentinel)  # type: ignore[arg-type]
                process.join()
                slots.append(slot)
                outcome = checked(process.exitcode or 0, job)
                if not outcome:
                    ended.trained.append(job.name)
                    progress.finished(job.name)
                elif outcome == EXIT_HELD:
                    waiting.append(job)
                elif outcome != EXIT_USER_ERROR and job.name not in tried_again:
                    tried_again.add(job.name)
                    waiting.append(job)
                    progress.print_line(f"fold {job.name}: {reason(outcome, job)}; it will be tried once more")
                else:
                    ended.failed[job.name] = reason(outcome, job)
            progress.look()
    finally:
        for _, _, process in running.values():
            process.terminate()
        for _, _, process in running.values():
            process.join()
    return ended


def _take(waiting: list[FoldJob], progress: LosoProgress) -> FoldJob | None:
    """The next fold that nobody holds; those that other calls have finished leave the queue."""
    for job in list(waiting):
        if is_finished(job.folder):
            waiting.remove(job)
            progress.finished(job.name)
        elif not is_held(job.folder):
            waiting.remove(job)
            return job
    return None


def fold_slots(config: Config, gpus: int, folds: int) -> int:
    """Folds that run at once on this machine; more than there are would only divide the cores further."""
    return min(config.loso.workers or gpus * config.loso.folds_per_gpu or cores(), folds)


def gpu_count(config: Config) -> int:
    """GPUs that folds may use, counted without starting CUDA in this process."""
    import torch

    return torch.cuda.device_count() if config.train.accelerator in ("auto", "gpu", "cuda") else 0


def visible_device(visible: str | None, gpu: int) -> str:
    """What CUDA_VISIBLE_DEVICES is to be for one of the GPUs that it names now, by number or UUID, or of all.

    >>> visible_device("0, 2", 1), visible_device("GPU-8932f937, MIG-1e1d", 1), visible_device(None, 1)
    ('2', 'MIG-1e1d', '1')
    """
    named = [name.strip() for name in (visible or "").split(",") if name.strip()]
    return named[gpu] if named else str(gpu)


def _fold_process(job: FoldJob, gpu: int | None, threads: int) -> None:
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends the folds
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = visible_device(os.environ.get("CUDA_VISIBLE_DEVICES"), gpu)
    sys.exit(work(job, threads))
