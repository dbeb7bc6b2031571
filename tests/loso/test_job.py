"""A fold's process: its log, its folder, and how it reports what happened."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from painlit.errors import PainlitError
from painlit.loso.engines import local
from painlit.loso.job import EXIT_FAILED, EXIT_HELD, EXIT_USER_ERROR, FoldJob, reason, work
from painlit.runs.folder import run_lock


@pytest.fixture
def job(tmp_path: Path) -> FoldJob:
    return FoldJob("ann", tmp_path / "folds" / "ann", config={}, data=None, fingerprint={})


def ran(job: FoldJob, monkeypatch, raised: BaseException | None) -> int:
    def run_job(given: FoldJob) -> None:
        print("training", given.name)
        os.system("echo from a library")
        if raised is not None:
            raise raised

    monkeypatch.setattr("painlit.loso.job.run_job", run_job)
    return work(job, threads=1)


def test_all_output_goes_to_the_log_and_the_terminal_gets_its_own_back(job, monkeypatch, capfd):
    assert ran(job, monkeypatch, None) == 0
    print("after")
    assert capfd.readouterr().out == "after\n"
    text = job.log.read_text()
    assert all(part in text for part in (f"process {os.getpid()}", "training ann", "from a library"))


def test_a_fold_that_another_call_has_finished_meanwhile_is_left_as_it_is(job, monkeypatch):
    job.folder.mkdir(parents=True)
    (job.folder / "metrics.json").write_text("{}")
    assert ran(job, monkeypatch, None) == EXIT_HELD
    assert not job.log.exists()


def test_an_error_for_the_user_is_reported_without_a_traceback(job, monkeypatch):
    assert ran(job, monkeypatch, PainlitError("clip a is damaged", "copy it again")) == EXIT_USER_ERROR
    assert "Traceback" not in job.log.read_text()
    assert reason(EXIT_USER_ERROR, job) == f"clip a is damaged\n  -> copy it again, see {job.log}"


def test_memory_that_runs_out_is_reported_by_its_last_line(job, monkeypatch):
    assert ran(job, monkeypatch, MemoryError("cannot allocate 8 GiB")) == EXIT_FAILED
    assert reason(EXIT_FAILED, job) == f"MemoryError: cannot allocate 8 GiB, see {job.log}"


def test_a_signal_is_named_and_so_is_silence(job):
    assert reason(-9, job) == f"ended by SIGKILL (out of memory?), see {job.log}"
    assert reason(EXIT_FAILED, job) == f"it wrote nothing, see {job.log}"


def test_ctrl_c_is_not_a_folds_affair_and_its_parents_end_is(job, monkeypatch):
    watched, reached = [], []

    def work_on_through_ctrl_c(given: FoldJob, threads: int) -> int:
        signal.raise_signal(signal.SIGINT)
        assert (given, threads, watched) == (job, 2, [True])
        return EXIT_HELD

    monkeypatch.setattr(local, "work", work_on_through_ctrl_c)
    monkeypatch.setattr(local, "end_with_parent", lambda: watched.append(True))
    before = signal.signal(signal.SIGINT, lambda *_: reached.append(True))
    try:
        with pytest.raises(SystemExit) as ended:
            local._fold_process(job, None, 2)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (ended.value.code, reached) == (EXIT_HELD, [])


def _hold(folder: Path, ready, seconds: float) -> None:
    with run_lock(folder):
        ready.set()
        time.sleep(seconds)


def test_a_fold_that_another_process_holds_is_left_to_it(job, monkeypatch):
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    other = context.Process(target=_hold, args=(job.folder, ready, 1.5))
    other.start()
    assert ready.wait(20)
    assert ran(job, monkeypatch, None) == EXIT_HELD
    assert not job.log.exists(), "its log is the other's"
    other.join()
    assert ran(job, monkeypatch, None) == 0
