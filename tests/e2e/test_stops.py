"""Whatever stops a stage, no process of it is left, and its exit status says what it was."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import TINY, on_command_line, pretraining

from data_modules.demo.clips import make_demo
from painlit.config import load

STATUSES = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGINT: 130}
LONG = (
    "train.epochs=3000 stage1.train.epochs=3000 stage2.train.epochs=3000 ecg.train.epochs=3000 images.workers=2 "
    "embed.workers=2 embed.batch_frames=1 prepare.workers=2 loso.workers=2 stage1.train.checkpoint_steps=5 "
    "stage2.train.checkpoint_steps=5 ecg.train.checkpoint_steps=5"
).split()


@pytest.fixture(scope="module")
def many_clips(tmp_path_factory) -> Path:
    """Enough of them for `make prepare` and `make embed` to be stopped in the middle."""
    root = tmp_path_factory.mktemp("many") / "PartA"
    return make_demo(root, load(TINY).clip, subjects=4, clips_per_class=12)


def trains(runs: Path, stage: str) -> Callable[[], bool]:
    return lambda: any(True for _ in (runs / stage).rglob("last.ckpt"))


def prepares(runs: Path) -> bool:
    table = runs / "prepare" / "tiny" / "clips.sqlite"
    if not table.is_file():
        return False
    with sqlite3.connect(table) as connection:
        return connection.execute("SELECT count(*) > 0 FROM sqlite_master WHERE name = 'clips'").fetchone()[0] and bool(
            connection.execute("SELECT count(*) FROM clips").fetchone()[0]
        )


def marked(mark: str) -> list[str]:
    """Command lines of the processes that were started with this mark in their environment, or by one that was."""
    found = []
    for place in Path("/proc").iterdir():
        try:
            if place.name.isdigit() and mark.encode() in (place / "environ").read_bytes():
                found.append((place / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:200])
        except OSError:  # it has ended meanwhile
            continue
    return [command for command in found if command]  # one that has ended and is not waited for has none


def stop(stage: str, arguments: list[str], number: signal.Signals, runs: Path, middle: Callable[[], bool]) -> None:
    """Start a stage, send it a signal in the middle, and see what it leaves within a minute."""
    mark, log = uuid.uuid4().hex, runs / f"{stage}-{number.name}.txt"
    with open(log, "w") as output:
        running = subprocess.Popen(
            [sys.executable, "-m", "experiments", stage, *arguments],
            stdout=output, stderr=output, cwd=runs, start_new_session=True,
            env={**os.environ, "PAINLIT_TEST_MARK": mark},
        )  # fmt: skip
    end = time.monotonic() + 180
    while not middle():
        assert running.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)
    time.sleep(0.5)
    before = len(marked(mark))
    # A terminal sends these two to all processes of its foreground; the others are sent to one.
    (os.killpg if number in (signal.SIGINT, signal.SIGHUP) else os.kill)(running.pid, number)
    status = running.wait(timeout=60)
    end = time.monotonic() + 60  # on a busy machine; alone it is one or two
    while (left := marked(mark)) and time.monotonic() < end:
        time.sleep(0.1)
    print(f"{stage:20} {number.name:8} status {status:4}  processes {before} -> {len(left)}")
    assert not left
    assert status == STATUSES[number], log.read_text()
    if status > 0:
        logged = log.read_text()
        assert "run the same command to go on" in logged
        assert "Traceback" not in logged


@pytest.mark.slow
def test_a_killed_pretraining_leaves_no_process(tiny_sets, tmp_path):
    arguments = [on_command_line([*pretraining(tiny_sets, tmp_path), *LONG])]
    stop("pretrain-stage1", arguments, signal.SIGKILL, tmp_path, trains(tmp_path, "pretrain-stage1"))


@pytest.mark.slow
@pytest.mark.parametrize("number", STATUSES)
@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize("stage", ["pretrain-stage1", "pretrain-stage2", "pretrain-ecg"])
def test_a_stopped_pretraining_stage(tiny_sets, tmp_path, stage, devices, number):
    group = {"pretrain-stage1": "stage1", "pretrain-stage2": "stage2", "pretrain-ecg": "ecg"}[stage]
    arguments = [*pretraining(tiny_sets, tmp_path), *LONG, f"{group}.train.devices={devices}"]
    stop(stage, [on_command_line(arguments)], number, tmp_path, trains(tmp_path, stage))


@pytest.mark.slow
@pytest.mark.parametrize("number", STATUSES)
def test_a_stopped_preparation_and_embedding(many_clips, tmp_path, number):
    arguments = [on_command_line([*TINY, *LONG, f"data.root={many_clips}", f"runs={tmp_path}"])]
    stop("prepare", arguments, number, tmp_path, lambda: prepares(tmp_path))
    subprocess.run([sys.executable, "-m", "experiments", "prepare", *arguments], check=True)
    rows = tmp_path / "embed" / "tiny" / "rows.u64"
    stop("embed", arguments, number, tmp_path, lambda: rows.is_file() and any(rows.read_bytes()))


@pytest.mark.slow
@pytest.mark.parametrize("number", STATUSES)
@pytest.mark.parametrize("stage", ["finetune", "loso", "tables"])
def test_a_stopped_training_on_pain(tiny_data, runs, stage, number):
    arguments = [*TINY, *LONG, f"data.root={tiny_data}", f"runs={runs}", "tables.rows=[table4_500_basic]"]
    place = "loso" if stage == "tables" else stage
    stop(stage, [on_command_line(arguments)], number, runs, trains(runs, place))


@pytest.mark.slow
@pytest.mark.parametrize("number", STATUSES)
def test_a_stopped_demo(tmp_path, number):
    stop("demo", ["stage1.train.epochs=500"], number, tmp_path, trains(tmp_path / "runs", "pretrain-stage1"))
