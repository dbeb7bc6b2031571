"""Folds as tasks of a Ray cluster, which places them, and starts them again when a node dies.

Ray is driven from a process of its own: if the head goes away, Ray ends that process, and this one can still report
what happened. Every fold goes on from its checkpoint in the runs folder, which all nodes must see at the same path.

Whoever may connect to a cluster runs code on it, so connections need a token. A cluster that is started here has a
token of its own and listens on this machine alone; one that requires none is not joined.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from multiprocessing import connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from painlit.config import Config, from_dict
from painlit.errors import PainlitError
from painlit.loso.finished import is_finished
from painlit.loso.job import EXIT_HELD, EXIT_USER_ERROR, FoldJob, Outcomes, checked, reason, work
from painlit.loso.progress import LosoProgress
from painlit.system.processes import end_with_parent

if TYPE_CHECKING:
    from painlit.loso.data import FoldData

_POLL_SECONDS = 1.0  # s between updates of the folds' progress
_NODE_DEATHS = 3  # times that Ray starts a fold again when its node or its process dies
_SHUTDOWN = 30.0  # s for Ray to leave the cluster in its own way
_ANSWER = 10.0  # s for a cluster's address to answer
_REFUSAL = 60.0  # s for it to refuse a client without a token
_LEAST_RAY = 2, 52  # the first that can require a token
_OBJECT_STORE = 128 * 2**20  # bytes; the clips of all folds are one object of a few MB


def run_folds(jobs: Sequence[FoldJob], progress: LosoProgress) -> Outcomes:
    """See `painlit.loso.engines.Engine`.

    Raises:
        PainlitError: Ray is not installed or too old, the cluster cannot be reached or requires no token, or a node
            does not see the runs folder.
    """
    _check_version()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    driver = context.Process(target=_drive, args=(list(jobs), theirs))
    driver.start()
    theirs.close()
    outcomes = Outcomes()
    open_jobs = {job.name: job for job in jobs}
    try:
        while open_jobs:
            if not ours.poll(_POLL_SECONDS):
                progress.look()
                continue
            kind, *values = ours.recv()
            if kind == "error":
                raise PainlitError(*values)
            if kind == "line":
                progress.print_line(values[0])
                continue
            name, why = values
            del open_jobs[name]
            if why:
                outcomes.failed[name] = why
            else:
                outcomes.trained.append(name)
                progress.finished(name)
    except EOFError:  # the driver has ended, and Ray ended it
        gone = "the Ray cluster went away (its head, or the node of this machine); start it and run the same command"
        outcomes.failed |= dict.fromkeys(open_jobs, gone)
    finally:
        if not open_jobs:
            driver.join(_SHUTDOWN)
        driver.terminate()
        driver.join()
    return outcomes


def _check_version() -> None:
    found, least = importlib.util.find_spec("ray") and version("ray"), ".".join(map(str, _LEAST_RAY))
    if not found or tuple(map(int, found.split(".")[:2])) < _LEAST_RAY:
        raise PainlitError(
            f"loso.engine=ray needs Ray {least} or later, and {found or 'none'} is installed; earlier ones run "
            "code for whoever reaches their ports",
            f'pip install "ray>={least}", or use loso.engine=local',
        )


def _drive(jobs: list[FoldJob], sender: connection.Connection) -> None:
    """Run the folds on Ray and report how each ended; this process does nothing else."""
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    signal.signal(signal.SIGTERM, lambda *_: os._exit(1))  # with it end its tasks, and a cluster that it started
    try:
        _run(jobs, sender)
    except PainlitError as error:
        sender.send(("error", error.what, error.remedy))
    except Exception as error:  # whatever Ray raised: it must not pass for a cluster that went away
        traceback.print_exc()
        sender.send(("error", f"the Ray engine failed: {error!r}", "finished folds are kept; see the traceback above"))


def _run(jobs: list[FoldJob], sender: connection.Connection) -> None:
    config = from_dict(jobs[0].config)
    _connect(config)
    import ray

    options = _resources(config, [node["Resources"] for node in ray.nodes() if node["Alive"]])
    task: Any = ray.remote(**options)(_fold_task)
    here, data = os.getcwd(), ray.put(jobs[0].data)  # once, not with each fold
    waiting, running, again = deque(jobs), dict[Any, FoldJob](), set[str]()
    limit = config.loso.workers or len(jobs)
    while waiting or running:
        while waiting and len(running) < limit:
            job = waiting.popleft()
            light = replace(job, data=None)
            running[task.options(name=f"fold {job.name}").remote(light, data, here, config.loso.threads or 1)] = job
        ended, _ = ray.wait(list(running), num_returns=1)
        for reference in ended:
            job = running.pop(reference)
            why, once_more = _outcome(reference, job)
            if why is None:  # held by another call, or by a node that seemed dead
                time.sleep(_POLL_SECONDS)
                waiting.append(job)
            elif once_more and job.name not in again:
                again.add(job.name)
                waiting.append(job)
                sender.send(("line", f"fold {job.name}: {why}; it will be tried once more"))
            else:
                sender.send(("ended", job.name, why))
    ray.shutdown()


def _connect(config: Config) -> None:
    """Join the cluster, or start one on this machine.

    Raises:
        PainlitError: There is none at that address, its token is not here, or it requires none.
    """
    address = config.loso.ray_address
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no usage is reported
    os.environ["RAY_AUTH_MODE"] = "token"  # Ray reads it when it is imported
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address == "local":
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)  # no other process needs it, and no file keeps it
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # as there, the node's address is 127.0.0.1
        options |= {"include_dashboard": False, "object_store_memory": _OBJECT_STORE}
    import ray

    try:
        if address not in ("local", "auto"):  # Ray itself would try for minutes
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), timeout=_ANSWER).close()
        if address != "local":
            _refuse_open(address)
        ray.init(address=address, **options)
    except ray.exceptions.AuthenticationError as error:
        raise PainlitError(
            f"the token of the Ray cluster at loso.ray_address={address} is not here",
            "copy ~/.ray/auth_token from its head, or set RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH",
        ) from error
    except (OSError, ValueError, RuntimeError, subprocess.TimeoutExpired) as error:
        raise PainlitError(
            f"no Ray cluster at loso.ray_address={address}, or one with another token: "
            f"{(str(error).splitlines() or [type(error).__name__])[0]}",
            "start its head with `RAY_AUTH_MODE=token ray start --head` and give this machine its token, or let "
            "loso.ray_address=local start one here",
        ) from error


def _refuse_open(address: str) -> None:
    """Refuse a cluster that answers without a token: Ray itself joins it silently.

    Raises:
        PainlitError: It does.
    """
    command = [sys.executable, "-m", "ray.scripts.scripts", "status", *(["--address", address] * (address != "auto"))]
    without_token = {**os.environ, "RAY_AUTH_MODE": "disabled"}
    answer = subprocess.run(command, env=without_token, capture_output=True, text=True, timeout=_REFUSAL)
    if "AuthenticationError" in answer.stderr:
        return
    if "Traceback" in answer.stderr:
        raise ConnectionError(answer.stderr.strip().rpartition("\n")[2])
    raise PainlitError(
        f"the Ray cluster at loso.ray_address={address} asks for no token: whoever reaches it runs code as its user",
        "make a token with `ray get-auth-token --generate`, copy ~/.ray/auth_token to all nodes, and start each with "
        "RAY_AUTH_MODE=token",
    )


def _resources(config: Config, nodes: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """What Ray reserves for a fold, and how often it starts it again.

    Raises:
        PainlitError: No node has all of it at once. Ray would wait for one silently.
    """
    options: dict[str, Any] = {
        "num_cpus": config.loso.threads or 1,
        "max_retries": _NODE_DEATHS,
        "max_calls": 1,  # a process for each fold: one cannot hold several runs of Weights & Biases
    }
    if config.train.accelerator in ("auto", "gpu", "cuda") and any(node.get("GPU", 0) for node in nodes):
        options["num_gpus"] = 1 / config.loso.folds_per_gpu
    wanted = {"CPU": options["num_cpus"], "GPU": options.get("num_gpus", 0)}
    if not any(all(node.get(kind, 0) >= amount for kind, amount in wanted.items()) for node in nodes):
        have = "; ".join(", ".join(f"{kind} {node.get(kind, 0):g}" for kind in wanted) for node in nodes)
        raise PainlitError(
            f"the Ray cluster has no node with room for a fold, {', '.join(f'{k} {v:g}' for k, v in wanted.items())} "
            f"(its nodes: {have})",
            "lower loso.threads",
        )
    return options


def _fold_task(job: FoldJob, data: FoldData, folder: str, threads: int) -> int:
    """What a node does: the fold, from the project's folder. Returns its outcome, -1 if the node lacks the folder."""
    if not job.folder.parents[1].is_dir() or not Path(folder).is_dir():
        return -1
    os.chdir(folder)
    return 0 if is_finished(job.folder) else work(replace(job, data=data), threads)


def _outcome(reference: Any, job: FoldJob) -> tuple[str | None, bool]:
    """Why a fold failed, or nothing, or None where another process holds it; and whether another try may help."""
    import ray

    try:
        outcome = int(ray.get(reference))
    except ray.exceptions.RayError as error:  # beyond Ray's own tries
        return f"{type(error).__name__}: {str(error).splitlines()[0]}, see {job.log}", False
    if outcome == -1:
        return f"a node does not see {job.folder.parents[1]}: all nodes must have it at the same path", False
    if outcome == EXIT_HELD:
        return None, False
    outcome = checked(outcome, job)
    return (reason(outcome, job) if outcome else ""), outcome not in (0, EXIT_USER_ERROR)
