"""Worker processes that do not outlive the process that started them, and work for several of them."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing import AuthenticationError, connection, forkserver, queues, util
from pathlib import Path
from typing import Any, TypeVar

from painlit.errors import PainlitError

_IMPORTED = [
    "painlit.images.dataset",
    "painlit.clips.embedding",
    "painlit.loso.fold",
    "wandb.sdk.launch",  # which Weights & Biases imports when a run begins, half of the second that takes
]
_SERVES = "forkserver" in multiprocessing.get_all_start_methods()
_SERVER: Any = forkserver._forkserver  # typeshed lacks its process number
_CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # "max 100000", or microseconds of processor time in so many
_SHARED_MEMORY = Path("/dev/shm")
_PREFETCHED = 4  # batches of each worker
_HELD = 3  # batches beside those: in use, and on their way to it
_MORE_SHARED_MEMORY = "give the container more shared memory (docker run --shm-size=2g)"
_PARENT_ENDS_WITHIN = 30.0  # s after its connections are closed
_LONGEST_TEMPORARY = 70  # characters that leave room for a socket's name, which may have 104 in all
Piece = TypeVar("Piece")
Result = TypeVar("Result")


def unordered(
    function: Callable[[Piece], Result], pieces: Sequence[Piece], workers: int, what: str
) -> Generator[Result, None, None]:
    """Results of `function` in the order they get ready; at most two pieces per worker are under way.

    Args:
        function: A module's function; it runs in processes that share the cores, one thread each.
        pieces: Its arguments.
        workers: Processes.
        what: What is being made, for the error.

    Raises:
        PainlitError: A process was ended from outside. What `function` raises is raised here.
    """
    if len(pieces) == 1:  # not worth a process
        yield function(pieces[0])
        return
    pool = ProcessPoolExecutor(min(workers, max(1, len(pieces))), mp_context=forking(), initializer=start_worker)
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
    except BaseException:  # stopped: what the workers are at is not waited for (Python 3.14 has terminate_workers)
        for process in list((pool._processes or {}).values()):
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def loader_options(workers: int, batch_bytes: int = 0) -> dict[str, Any]:
    """What a DataLoader that decodes or augments gets, besides data and batches.

    Batches reach this process through /dev/shm, which has 64 MB in a container of Docker's. As many are prefetched as
    fit, since a worker that finds it full loses its batch, for which a loader would wait for ever.

    Args:
        workers: Processes; 0 works in this one.
        batch_bytes: Size of the largest batch; 0 is small.

    Raises:
        PainlitError: /dev/shm does not hold a batch for each worker.
    """
    import torch

    options: dict[str, Any] = {
        "num_workers": workers,
        "pin_memory": torch.cuda.is_available(),
        "generator": torch.Generator(),  # a loader draws a seed for its workers: not from the training's stream
    }
    if workers:
        prefetched = _fitting_batches(workers, batch_bytes)
        context = {"multiprocessing_context": forking(), "worker_init_fn": _start_loader_worker}
        options |= {**context, "prefetch_factor": prefetched}
    return options


def _fitting_batches(workers: int, batch_bytes: int) -> int:
    """Batches that each worker may have ready, so that shared memory holds them."""
    if not _SHARED_MEMORY.is_dir():
        return _PREFETCHED
    free = shutil.disk_usage(_SHARED_MEMORY).free // int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    fitting = (free // max(1, batch_bytes) - _HELD) // workers
    if fitting < 1:
        raise PainlitError(
            f"{_SHARED_MEMORY} has {free >> 20} MiB free, and {workers} processes that load batches of "
            f"{batch_bytes / 2**20:.0f} MiB need {(workers + _HELD) * batch_bytes / 2**20:.0f}",
            f"{_MORE_SHARED_MEMORY}, set a smaller batch_size, or images.workers=0 or embed.workers=0",
        )
    return min(_PREFETCHED, fitting)


@contextmanager
def named_loader_errors() -> Iterator[None]:
    """Turns what torch raises when a loader's process ends into an error that the user can act on."""
    try:
        yield
    except (RuntimeError, ConnectionResetError, EOFError) as error:  # the last two while a batch is handed on
        if isinstance(error, RuntimeError) and "DataLoader worker" not in str(error):
            raise
        first_line = str(error).partition("\n")[0]
        raise PainlitError(
            f"a process that loads images or clips was ended from outside: {first_line}",
            f"run the same command again: finished work is kept; if memory was short, set fewer workers, or "
            f"{_MORE_SHARED_MEMORY}",
        ) from error


def _start_loader_worker(worker: int) -> None:
    queues.Queue._on_queue_feeder_error = staticmethod(_end_worker)  # type: ignore[attr-defined]
    start_worker(worker)


def _end_worker(error: Exception, batch: object) -> None:
    """End a process whose batch could not be handed on: the loader sees that, but would wait for the batch."""
    print(f"a batch cannot be handed on ({error}): {_SHARED_MEMORY} is full; {_MORE_SHARED_MEMORY}", file=sys.stderr)
    sys.stderr.flush()
    os._exit(1)


def forking() -> Any:
    """The multiprocessing context of all workers: processes forked from a server in which nothing has run.

    Forked from this process they would hang as soon as they use OpenCV, if OpenCV's threads have worked here before.
    There is one server, and what it imports is settled when it starts; so it imports what any of them needs, and a fold
    after an embedding need not import Lightning by itself.
    """
    start_server()
    return multiprocessing.get_context("forkserver" if _SERVES else "spawn")


def start_server() -> None:
    """Start the server of `forking`, unless it runs. It imports for seconds, while this process goes on.

    It ends with this process, also while it imports: who reads what both print would wait for it.
    """
    if not _SERVES:
        return
    if len(temporary := tempfile.gettempdir()) > _LONGEST_TEMPORARY:
        raise PainlitError(
            f"the folder for temporary files, {temporary}, has {len(temporary)} characters, too many for a socket",
            f"set TMPDIR to a folder of at most {_LONGEST_TEMPORARY} characters, such as TMPDIR=/tmp",
        )
    multiprocessing.get_context("forkserver").set_forkserver_preload(_IMPORTED)
    if _SERVER._forkserver_pid is None:
        util.Finalize(None, _end_server, exitpriority=-1)  # after those that it forked are waited for
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})  # for this process alone
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_server() -> None:
    with suppress(ProcessLookupError):
        os.kill(_SERVER._forkserver_pid, signal.SIGTERM)


def process_rank() -> int:
    """Rank of this process among those that train together, as Lightning, torchrun and srun set it."""
    step = int(os.environ.get("SLURM_STEP_NUM_TASKS", "1")) > 1
    names = ("RANK", *(["SLURM_PROCID"] if step else []), "LOCAL_RANK")
    return next((int(os.environ[name]) for name in names if name in os.environ), 0)


def cores() -> int:
    """Cores that this process may use, which a scheduler or a container may have made fewer than the machine has."""
    seen = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = _CPU_QUOTA.read_text(encoding="ascii").split()
    except OSError:  # no control groups, or their first version
        return seen
    return seen if quota == "max" else max(1, min(seen, int(quota) // int(period)))


def share_cores() -> None:
    """One thread in this process, where several share the cores."""
    import cv2
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def start_worker(worker: int = 0) -> None:
    """What a process that works for this one does first.

    Args:
        worker: Its number, which loaders give.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends its workers
    sys.excepthook = _unless_parent_left
    end_with_parent()
    share_cores()


def _unless_parent_left(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    """Exception hook of the thread that hands a batch on: silent where the stopped parent no longer takes it."""
    if not issubclass(kind, EOFError | ConnectionError | AuthenticationError):
        sys.__excepthook__(kind, error, trace)


def end_with_parent() -> None:
    """From now on, end this process as soon as its parent is gone, however that ended.

    The parent is the process that requested this one: of a worker forked from the server it is not the server, which
    lives as long as one of its workers does.
    """
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def end_silently_with_parent(error: BaseException) -> None:
    """End a process whose collective step failed silently, if that was because its parent ended.

    The parent reports what it was ended by. Returns if the error is one of this process's own, or if the parent goes
    on. Call `end_with_parent` before.

    Args:
        error: What was raised.
    """
    from torch.distributed import DistError

    while error.__context__ is not None:  # a step that fails while an error is handled would hide that
        error = error.__context__
    if isinstance(error, DistError) or (isinstance(error, RuntimeError) and "gloo" in str(error)):
        time.sleep(_PARENT_ENDS_WITHIN)


def _watch(started_by: int) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
    while parent is None and os.getppid() == started_by:
        time.sleep(1)
    os._exit(1)
