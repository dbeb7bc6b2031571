"""What is logged to Weights & Biases: once, at the right steps, complete, and with log.private nothing of anybody."""

import json
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import pretraining, tiny
from lightning import LightningModule, Trainer
from test_engines import FOLDS, HEART
from wandb_files import artifacts, config, history, offline_file, records, summary

from data_modules.recordings.datamodule import PainDataModule
from experiments import finetune, loso, pretrain_ecg
from painlit.config import Config, load
from painlit.loso import fold as fold_module
from painlit.loso.fold import run_fold
from painlit.loso.protocols import biovid_folds
from painlit.system.seeds import derive_seed
from painlit.training.callbacks import TrainingTime

OFFLINE = [*HEART, "log.wandb=offline"]


@pytest.fixture(scope="module")
def logged(tiny_data, embedded_runs, tmp_path_factory) -> Path:
    """The folder of a run of one fold."""
    runs = shutil.copytree(embedded_runs, tmp_path_factory.mktemp("logged") / "runs")
    return loso.run(tiny(tiny_data, runs, *OFFLINE, "seed=3", f"loso.subjects=[{FOLDS[0]}]", "name=one")).folder


def test_a_fold_logs_the_configuration_once_with_the_runs_seed_and_its_own(logged):
    sent = config(logged / "folds" / FOLDS[0])
    assert sent["seed"] == 3
    assert sent["fold_seed"] == derive_seed(3, FOLDS[0])
    assert set(sent) == {*load().to_dict(), "fold_seed"}


def test_a_fold_logs_each_epoch_with_its_learning_rate_and_the_test(logged):
    rows = history(logged / "folds" / FOLDS[0])
    assert [row["_step"] for row in rows] == sorted({row["_step"] for row in rows})
    assert sum("train/loss" in row for row in rows) == 4
    rates = [row["train/lr"] for row in rows if "train/lr" in row]
    assert len(rates) == 4
    assert rates[-1] < rates[1] <= 1e-2
    assert "test/accuracy" in rows[-1]


def test_the_summary_has_intervals_as_numbers(logged):
    results, sent = json.loads((logged / "results.json").read_text()), summary(logged)
    for name in ("accuracy", "precision", "recall", "f1"):
        assert [sent[f"{name}_95_low"], sent[f"{name}_95_high"]] == results["interval_95"][name]
        assert sent[f"{name}_subjects_mean"] == results["over_subjects"][name]["mean"]


@pytest.mark.slow
def test_the_printed_command_finds_all_that_was_logged(tiny_data, runs, capsys):
    folder = loso.run(tiny(tiny_data, runs, *OFFLINE, "name=all of it")).folder
    command = capsys.readouterr().out.rpartition("to send what was logged: wandb sync ")[2].strip()
    program = Path(sys.executable).with_name("wandb")
    found = subprocess.run(f"{program} sync --dry-run {command}", shell=True, capture_output=True, text=True)
    assert "Would sync 4 run(s)" in found.stderr + found.stdout
    assert str(folder) in command


def train(settings: Config, folder: Path, killed_in: int | None = None) -> None:
    """Train the first fold, or begin to: the process is killed in an epoch."""
    torch.set_num_threads(1)  # sums of several come in another order
    data = PainDataModule(settings)
    data.setup()
    fold = next(f for f in biovid_folds("loso", data.clips.subject_names) if f.name == FOLDS[0])

    class Killer(TrainingTime):
        def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
            if trainer.current_epoch == killed_in:
                os.kill(os.getpid(), signal.SIGKILL)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(fold_module, "TrainingTime", Killer)
        run_fold(settings, fold, data, folder, fold.name)


@pytest.mark.slow
@pytest.mark.parametrize("every", [2, 3])
def test_a_fold_that_is_killed_has_every_epoch_once_and_at_its_step(tiny_data, runs, every):
    more = [*OFFLINE, "train.epochs=6", f"train.checkpoint_every={every}"]
    undisturbed, killed = (runs / "loso" / name for name in ("undisturbed", "killed"))
    settings = tiny(tiny_data, runs, *more)
    train(settings, undisturbed)
    process = multiprocessing.get_context("spawn").Process(target=train, args=(settings, killed, 5))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    with open(killed / "history.jsonl", "a", encoding="utf-8") as handle:
        handle.write('{"step": 11, "metr')  # as a process that is killed may leave it
    train(settings, killed)
    clocks = ("_timestamp", "_runtime")
    expected, rows = (
        [{k: v for k, v in row.items() if k not in clocks} for row in history(folder)]
        for folder in (undisturbed, killed)
    )
    assert sum("train/loss" in row for row in rows) == 6
    assert rows == expected


@pytest.mark.parametrize("switch", [[], ["log.weights=false"]])
def test_a_stage_logs_its_weights_with_their_json(tiny_sets, runs, switch):
    result = pretrain_ecg.run(load([*pretraining(tiny_sets, runs), "log.wandb=offline", "ecg.train.epochs=2", *switch]))
    logged = artifacts(result.folder)
    assert logged == ({} if switch else {"model": ["heart_rate_encoder.json", "heart_rate_encoder.safetensors"]})
    if not switch:
        copies = [path.read_bytes() for path in result.folder.glob("wandb/artifacts/**/*") if path.is_file()]
        assert result.weights.read_bytes() in copies, "it waits in the run's folder"


def test_private_runs_name_nobody_and_no_place(tiny_data, runs):
    private = [*OFFLINE, "log.private=true"]
    run = loso.run(tiny(tiny_data, runs, *private, "name=private")).folder
    held = finetune.run(tiny(tiny_data, runs, *private, "name=private", f"finetune.held_out=[{FOLDS[1]}]")).folder
    remote = subprocess.run(["git", "remote", "-v"], capture_output=True, text=True).stdout.split()
    forbidden = [
        *FOLDS,
        str(tiny_data),
        str(runs),
        str(Path.cwd()),
        sys.executable,
        sys.prefix,
        str(Path.home()),
        *remote,
    ]
    names = []
    for folder in (run, *sorted(run.glob("folds/*")), held):
        path = offline_file(folder)
        content = list(records(path))
        for entry in (entry for record in content for entry in record.artifact.manifest.contents):
            entry.local_path = ""  # where the file to be sent lies, which is not sent
        sent = b"".join(record.SerializeToString() for record in content)
        sent += b"".join(file.read_bytes() for file in path.parent.glob("files/**/*") if file.is_file())
        assert [word for word in forbidden if word.encode() in sent] == []
        kinds = {record.WhichOneof("record_type") for record in content}
        assert not kinds & {"environment", "stats", "output", "output_raw"}
        assert set(artifacts(folder)) <= {"run_table"}
        (about,) = [record.run for record in content if record.HasField("run")]
        assert not about.host
        assert socket.gethostname() not in (about.host, about.display_name)
        assert not about.HasField("git")
        assert config(folder)["train.epochs"] == 4
        names.append(about.display_name)
    assert names == ["summary", "fold-001", "fold-002", "fold-003", "finetune"]
    tables = "".join(path.read_text() for path in run.glob("wandb/offline-run-*/files/media/table/*.json"))
    assert '"fold-001"' in tables
