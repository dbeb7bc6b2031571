"""What is killed goes on where it was, and ends as if nothing had happened."""

import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import TINY, on_command_line, tiny
from living import alive

from data_modules.recordings.datamodule import PainDataModule
from experiments import loso
from painlit.loso.fold import run_fold
from painlit.loso.protocols import biovid_folds
from painlit.loso.results import read_predictions
from painlit.tasks import PainAssessment

LONG = ["train.epochs=60", "model.modality=heart_rate", "loso.workers=1", "model.basic=true", "model.masking=true"]


def command(root: Path, runs: Path, *more: str) -> list[str]:
    settings = [*TINY, f"data.root={root}", f"runs={runs}", *LONG, *more]
    return [sys.executable, "-m", "experiments.loso", on_command_line(settings)]


def wait_for(condition, seconds: float = 600) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def kill(fold: Path, times: int) -> None:
    """Kill the process of a fold once it has started so many times."""

    def started() -> list[str]:
        return re.findall(r"^fold .*: process (\d+)", (fold / "log.txt").read_text(), re.MULTILINE)

    wait_for(lambda: len(started()) == times)
    os.kill(int(started()[-1]), signal.SIGKILL)


def test_a_fold_that_is_killed_once_is_tried_again_and_goes_on(tiny_data, runs, capsys):
    one = [*LONG, "loso.subjects=[010100_m_27]"]
    loso.run(tiny(tiny_data, runs, *one, "name=undisturbed"))
    fold = runs / "loso" / "again" / "folds" / "010100_m_27"

    def kill_in_the_middle() -> None:
        wait_for((fold / "checkpoints" / "last.ckpt").is_file)
        kill(fold, times=1)

    with ThreadPoolExecutor() as beside:
        killed = beside.submit(kill_in_the_middle)
        assert not loso.run(tiny(tiny_data, runs, *one, "name=again")).failed
        killed.result()
    assert "it will be tried once more" in capsys.readouterr().out
    assert "epoch 1/60" not in (fold / "log.txt").read_text().split("process")[-1], "it must go on, not start again"
    expected = runs / "loso" / "undisturbed" / "folds" / "010100_m_27" / "predictions.csv"
    assert (fold / "predictions.csv").read_text() == expected.read_text()


@pytest.mark.slow
def test_a_killed_fold_resumes_to_the_undisturbed_result(tiny_data, runs):
    undisturbed = runs / "loso" / "undisturbed" / "folds"
    subprocess.run(command(tiny_data, runs, "name=undisturbed"), check=True, capture_output=True)

    folds = runs / "loso" / "killed" / "folds"
    running = subprocess.Popen(command(tiny_data, runs, "name=killed"), stdout=subprocess.PIPE, text=True)
    names = sorted(path.name for path in undisturbed.iterdir())
    second = folds / names[1]
    wait_for((second / "checkpoints" / "last.ckpt").is_file)
    kill(second, times=1)
    kill(second, times=2)
    printed = running.communicate(timeout=120)[0]
    assert (
        f"fold {names[1]}: ended by SIGKILL (out of memory?), see {second}/log.txt; it will be tried once more"
        in printed
    )
    assert running.returncode == 1, "a run with a failed fold must say so"
    assert f"fold {names[1]} failed: ended by SIGKILL" in printed
    assert not (second / "metrics.json").exists()
    assert (folds / names[2] / "metrics.json").is_file(), "the other folds must go on"
    before = {path: path.stat().st_mtime_ns for n in (names[0], names[2]) for path in (folds / n).iterdir()}

    subprocess.run(command(tiny_data, runs, "name=killed"), check=True, capture_output=True)
    assert before == {path: path.stat().st_mtime_ns for path in before}, "finished folds must not be touched"
    log = (second / "log.txt").read_text().split("process")[-1]
    assert "epoch 1/60" not in log, "the fold must resume, not start again"
    assert "epoch 60/60" in log
    for name in names:
        expected = (undisturbed / name / "predictions.csv").read_text()
        assert (folds / name / "predictions.csv").read_text() == expected


@pytest.mark.slow
def test_folds_die_with_a_killed_parent_and_resume(tiny_data, runs):
    folds = runs / "loso" / "orphan" / "folds"
    running = subprocess.Popen(command(tiny_data, runs, "name=orphan"), stdout=subprocess.DEVNULL)
    wait_for(lambda: list(folds.glob("*/checkpoints/last.ckpt")))
    log = next(folds.glob("*/log.txt"))
    pid = int(re.search(r"process (\d+)", log.read_text())[1])
    running.kill()
    running.wait()
    wait_for(lambda: not alive(pid), seconds=20)
    subprocess.run(command(tiny_data, runs, "name=orphan"), check=True, capture_output=True)
    assert len(read_predictions(folds.glob("*/predictions.csv")).clips) == 12


@pytest.mark.parametrize("selection", ["last", pytest.param("inner", marks=pytest.mark.slow)])
def test_a_fold_stopped_before_its_predictions_does_not_train_again(tiny_data, trained, selection):
    name = "heart_rate" if selection == "last" else selection
    config = tiny(tiny_data, trained, "model.modality=heart_rate", f"loso.selection={selection}", f"name={name}")
    fold = loso.run(config).folder / "folds" / "020100_w_34"
    expected = (fold / "predictions.csv").read_text()
    lines = (fold / "log.txt").read_text().count("epoch ")
    for name in ("metrics.json", "predictions.csv"):
        (fold / name).unlink()
    assert loso.run(config).trained == [fold.name]
    assert (fold / "predictions.csv").read_text() == expected
    assert (fold / "log.txt").read_text().count("epoch ") == lines


@pytest.mark.parametrize("stop", [1, 2, 4])
def test_a_stopped_fold_selects_the_epoch_an_undisturbed_one_selects(tiny_data, runs, stop, monkeypatch):
    config = tiny(
        tiny_data, runs, "model.modality=heart_rate", "loso.selection=inner", "train.epochs=6", f"seed={stop}"
    )
    data = PainDataModule(config)
    data.setup()
    fold = biovid_folds("loso", data.clips.subject_names)[0]
    _, undisturbed = run_fold(config, fold, data, runs / "undisturbed", fold.name)

    def stopping(self):
        if self.current_epoch == stop:
            raise RuntimeError("stopped")

    monkeypatch.setattr(PainAssessment, "on_train_epoch_start", stopping)
    with pytest.raises(RuntimeError, match="stopped"):
        run_fold(config, fold, data, runs / "stopped", fold.name)
    monkeypatch.undo()
    _, resumed = run_fold(config, fold, data, runs / "stopped", fold.name)
    assert resumed["epoch"] == undisturbed["epoch"]
    for part in ("test", "train", "curves"):
        assert resumed[part] == undisturbed[part]


def test_a_damaged_checkpoint_is_named_with_the_remedy(tiny_data, trained):
    config = tiny(tiny_data, trained, "model.modality=heart_rate", "name=heart_rate")
    fold = trained / "loso" / "heart_rate" / "folds" / "020100_w_34"
    (fold / "metrics.json").unlink()
    (fold / "checkpoints" / "last.ckpt").write_text("junk")
    failed = loso.run(config).failed
    assert "last.ckpt is damaged" in failed["020100_w_34"]
    assert "delete it" in failed["020100_w_34"]
