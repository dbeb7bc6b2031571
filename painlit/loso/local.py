"""Folds on this machine: a queue of processes, one per GPU or a few on the CPU.

Each fold is a process of its own, forked from a server that has imported the heavy packages once. Its output goes to
log.txt in its folder. If this process dies, its folds die with it, so a second `make loso` never trains beside a first.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from painlit.config import Config
from painlit.errors import PainlitError
from painlit.processes import end_with_parent

_TOLD = 2  # exit code of a fold that ended with an error for the user


def run_folds(
    config: Config, names: Sequence[str], folder: Path, finished: Callable[[str, bool], None], at_most: int
) -> dict[str, str]:
    """Run folds and return those that failed, with the reason; one failing does not stop the others.

    A fold that ends early is started once more, after all others, and goes on from its checkpoint: memory that was
    short may be there by then. Errors that it told of (a damaged file, say) would come again, and are not tried again.

    Args:
        config: The run's configuration.
        names: Folds to run, in this order.
        folder: runs/loso/<run>; each fold writes to folder/folds/<name>.
        finished: Called with a fold's name and whether it succeeded, as soon as it ends.
        at_most: Folds of the whole run; `loso.workers` beyond it would only divide the cores further.
    """
    gpus = _gpu_count() if config.train.accelerator in ("auto", "gpu", "cuda") else 0
    slots = list(range(min(config.loso.workers or gpus or os.cpu_count() or 1, at_most)))
    threads = max(1, (os.cpu_count() or 1) // len(slots))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["painlit.loso.fold"])
    waiting, running, failed = list(names), dict[int, tuple[str, int, BaseProcess]](), dict[str, str]()
    tried_again: set[str] = set()
    try:
        while waiting or running:
            while waiting and slots:
                name, slot = waiting.pop(0), slots.pop(0)
                gpu = slot % gpus if gpus else None
                log = folder / "folds" / name / "log.txt"
                fold = context.Process(target=_fold_process, args=(config.to_dict(), name, log, gpu, threads))
                fold.start()
                running[fold.sentinel] = (name, slot, fold)
            ended = connection.wait(list(running))
            for sentinel in [s for s in running if s in ended]:
                name, slot, process = running.pop(sentinel)
                process.join()
                slots.append(slot)
                if process.exitcode:
                    reason = _reason(process.exitcode, folder / "folds" / name / "log.txt")
                    if process.exitcode != _TOLD and name not in tried_again:
                        tried_again.add(name)
                        waiting.append(name)
                        print(f"fold {name}: {reason}; it will be tried once more", flush=True)
                        continue
                    failed[name] = reason
                finished(name, not process.exitcode)
    finally:
        for _, _, process in running.values():
            process.terminate()
        for _, _, process in running.values():
            process.join()
    return failed


def _reason(exitcode: int, log: Path) -> str:
    """Why a fold ended early: the signal, the error it told of, or the last line it wrote."""
    if exitcode < 0:
        name = signal.Signals(-exitcode).name
        return f"ended by {name}" + (" (out of memory?)" if name == "SIGKILL" else "") + f", see {log}"
    text = log.read_text(encoding="utf-8", errors="replace").strip() if log.is_file() else ""
    told = text.rpartition("\nerror: ")[2] if exitcode == _TOLD else text.rpartition("\n")[2].strip()
    return f"{told or 'it wrote nothing'}, see {log}"


def _gpu_count() -> int:
    """GPUs, counted without starting CUDA in this process."""
    import torch

    return torch.cuda.device_count()


def _fold_process(config: dict, name: str, log: Path, gpu: int | None, threads: int) -> None:
    end_with_parent()
    log.parent.mkdir(parents=True, exist_ok=True)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(output, stream)
    if gpu is not None:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        os.environ["CUDA_VISIBLE_DEVICES"] = visible.split(",")[gpu] if visible else str(gpu)
    import torch

    from painlit.config import from_dict
    from painlit.loso.fold import run_named_fold

    torch.set_num_threads(threads)
    print(f"fold {name}: process {os.getpid()}, {threads} threads", flush=True)
    try:
        run_named_fold(from_dict(config), name)
    except PainlitError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        sys.exit(_TOLD)
    except Exception:  # whatever it was, it belongs in this fold's log, and the other folds go on
        traceback.print_exc()
        sys.exit(1)
