"""Several calls of `make loso` on one run at the same time: an array of jobs, or machines that share a disk."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from conftest import TINY, tiny
from test_engines import FOLDS, HEART, command, wait_for

from data_modules.demo.clips import make_demo
from experiments import loso, prepare
from painlit.config import load
from painlit.errors import PainlitError
from painlit.runs.artefact import write_artefact
from painlit.runs.folder import is_held, run_lock

LONG = ["name=shared", "train.epochs=6", "train.checkpoint_every=2", "loso.workers=1"]
AS_TRAINED = ["name=heart_rate", "train.epochs=4", "train.checkpoint_every=1"]  # the run of `trained_once`


@pytest.fixture(scope="module")
def expected(six_people, tmp_path_factory) -> bytes:
    """results.json of one undisturbed call."""
    root, prepared = six_people
    runs = shutil.copytree(prepared, tmp_path_factory.mktemp("alone") / "runs")
    return (loso.run(tiny(root, runs, *HEART, *LONG, "loso.workers=2")).folder / "results.json").read_bytes()


@pytest.fixture(scope="module")
def six_people(tmp_path_factory) -> tuple[Path, Path]:
    """Data and prepared runs of six subjects, enough for five calls."""
    root = tmp_path_factory.mktemp("six") / "PartA"
    make_demo(root, load(TINY).clip, subjects=6, clips_per_class=1)
    runs = tmp_path_factory.mktemp("six_runs")
    prepare.run(tiny(root, runs, "prepare.workers=2"))
    return root, runs


def start(root: Path, runs: Path, log: Path, *more: str) -> subprocess.Popen:
    arguments = command(root, runs, *LONG, *more)
    with log.open("w") as output:  # no pipe: what a killed call started may hold it for a while
        return subprocess.Popen(arguments, stdout=output, stderr=subprocess.STDOUT)


def trained_by(folder: Path) -> list[int]:
    """Of each fold, how many processes have worked on it."""
    logs = [path.read_text() for path in sorted(folder.glob("folds/*/log.txt"))]
    return [len(re.findall(r"^fold .*: process ", text, re.MULTILINE)) for text in logs]


@pytest.mark.slow
def test_two_calls_share_the_folds_and_end_with_the_same_results(tiny_data, trained_once, runs, tmp_path, capsys):
    folder, log = runs / "loso" / "heart_rate", tmp_path / "other.log"
    other = start(tiny_data, runs, log, *AS_TRAINED)
    wait_for(lambda: list(folder.glob("folds/*/log.txt")))  # it is at its first fold
    assert not loso.run(tiny(tiny_data, runs, *HEART, *LONG, *AS_TRAINED)).failed
    status, outputs = other.wait(timeout=300), [log.read_text(), capsys.readouterr().out]
    assert status == 0, outputs
    for fold in FOLDS:
        once, shared = (root / "loso/heart_rate/folds" / fold / "predictions.csv" for root in (trained_once, runs))
        assert shared.read_bytes() == once.read_bytes()
    assert trained_by(folder) == [1] * 3, "no fold was trained twice"
    assert all("3 of 3 folds" in text for text in outputs), "both wait for all folds and present the result"


@pytest.mark.slow
def test_an_array_of_five_of_which_one_is_killed(six_people, expected, tmp_path):
    root, prepared = six_people
    runs = shutil.copytree(prepared, tmp_path / "array")
    folder = runs / "loso" / "shared"
    logs = [tmp_path / f"{k}.log" for k in range(5)]
    calls = [start(root, runs, log) for log in logs]
    wait_for(lambda: len(list(folder.glob("folds/*/checkpoints/last.ckpt"))) >= 2)
    calls[0].send_signal(signal.SIGKILL)
    statuses = [call.wait(timeout=300) for call in calls]
    assert statuses == [-signal.SIGKILL, 0, 0, 0, 0], [log.read_text() for log in logs]
    assert (folder / "results.json").read_bytes() == expected


def test_a_call_with_other_settings_is_refused_while_another_has_just_begun(tiny_data, runs):
    folder = runs / "loso" / "shared"
    with run_lock(folder / "folds" / FOLDS[0]):  # a fold that has no checkpoint yet
        write_artefact(folder / "fingerprint.json", {"train.lr": 0.5})
        assert is_held(folder / "folds" / FOLDS[0])
        with pytest.raises(PainlitError, match="shared was made differently"):
            loso.run(tiny(tiny_data, runs, *HEART, "name=shared"))


@pytest.mark.slow
def test_a_fold_that_another_call_leaves_unfinished_is_taken_up(tiny_data, runs, tmp_path):
    folder = runs / "loso" / "shared"
    holder = subprocess.Popen(
        ["python", "-c", "import sys; from pathlib import Path; from painlit.runs.folder import run_lock\n"
         "with run_lock(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()",
         str(folder / "folds" / FOLDS[1])],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PATH": f"{Path(os.sys.executable).parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert holder.stdout.readline() == "held\n"
    call = start(tiny_data, runs, tmp_path / "call.log", "train.epochs=4")
    wait_for(lambda: len(list(folder.glob("folds/*/metrics.json"))) == 2)
    assert call.poll() is None, "it waits for the fold that is held"
    holder.kill()
    assert call.wait(timeout=120) == 0, (tmp_path / "call.log").read_text()
    assert (folder / "folds" / FOLDS[1] / "metrics.json").is_file()
