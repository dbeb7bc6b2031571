"""The engines of `make loso`: what dies, what is reported, and what is the same afterwards."""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import TINY, on_command_line, tiny
from living import alive

from experiments import loso
from painlit.errors import PainlitError
from painlit.loso.progress import write_epoch

HEART = ["model.modality=heart_rate", "loso.threads=1"]
FOLDS = ["010100_m_27", "020100_w_34", "030100_m_41"]


def command(root: Path, runs: Path, *more: str) -> list[str]:
    settings = [*TINY, f"data.root={root}", f"runs={runs}", *HEART, *more]
    return [sys.executable, "-m", "experiments.loso", on_command_line(settings)]


def wait_for(condition, seconds: float = 600):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)
    return found


def processes_of(folds: Path) -> list[int]:
    """Processes that the folds' logs name."""
    logs = "".join(path.read_text() for path in folds.glob("*/log.txt"))
    return [int(pid) for pid in re.findall(r"^fold .*: process (\d+)", logs, re.MULTILINE)]


@pytest.mark.slow
def test_ctrl_c_ends_parent_and_folds_and_the_same_command_goes_on(tiny_data, runs):
    folds = runs / "loso" / "stopped" / "folds"
    arguments = command(tiny_data, runs, "name=stopped", "train.epochs=60", "loso.workers=2")
    running = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               start_new_session=True)  # fmt: skip
    wait_for(lambda: list(folds.glob("*/checkpoints/last.ckpt")))
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to all of them
    printed = running.communicate(timeout=60)[1]
    assert running.returncode == 130
    assert "stopped; run the same command to go on" in printed
    assert "Traceback" not in printed
    wait_for(lambda: not any(alive(pid) for pid in processes_of(folds)), seconds=20)
    ended = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert "3/3" in ended.stdout or "3 of 3 folds" in ended.stdout
    assert not list(folds.glob("*/progress.json")), "finished folds leave no progress behind"


@pytest.mark.slow
def test_a_full_disk_fails_the_fold_by_name_and_the_results_say_so(tiny_data, runs):
    arguments = command(tiny_data, runs, "name=full", "model.heart_rate_encoder.latent_dim=64", "loso.workers=1")
    limit = 60_000  # bytes of a file: less than a checkpoint, more than all else
    full = subprocess.run(
        arguments, capture_output=True, text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    assert full.returncode == 1
    assert "3 folds failed; run the same command to try them again" in full.stdout
    assert full.stdout.count("free some space and run the same command again") == 3
    assert "tried once more" not in full.stdout, "a disk does not empty itself"
    failures = json.loads((runs / "loso" / "full" / "failures.json").read_text())
    assert sorted(failures) == FOLDS
    assert "last.ckpt" in failures[FOLDS[0]]
    subprocess.run(arguments, check=True, capture_output=True)
    assert not (runs / "loso" / "full" / "failures.json").exists()


def test_a_dry_run_lists_folds_and_hours_and_trains_nothing(tiny_data, runs, capsys):
    config = tiny(tiny_data, runs, *HEART, "name=dry", "loso.subjects=[010100_m_27]")
    loso.run(config)
    before = sorted(path for path in (runs / "loso").rglob("*"))
    result = loso.run(tiny(tiny_data, runs, *HEART, "name=dry", "loso.dry_run=true", "loso.workers=2"))
    assert sorted(path for path in (runs / "loso").rglob("*")) == before
    estimate = result.estimate
    assert estimate.state == {FOLDS[0]: "finished", FOLDS[1]: "not begun", FOLDS[2]: "not begun"}
    assert (estimate.pending, estimate.steps, estimate.workers) == (2, 2 * 4 * 2, 2)  # 8 clips in batches of 4
    assert 0 < estimate.step_seconds < 10
    assert estimate.step_flops > 0
    assert estimate.hours(1) == pytest.approx(2 * estimate.hours(2))
    assert estimate.hours(64) == estimate.hours(2), "more workers than folds do not help"
    printed = capsys.readouterr().out
    assert "020100_w_34: not begun" in printed
    assert "64 workers like this one" in printed
    stopped_fold = runs / "loso" / "dry" / "folds" / FOLDS[1]
    (stopped_fold / "checkpoints").mkdir(parents=True)
    (stopped_fold / "checkpoints" / "last.ckpt").touch()
    write_epoch(stopped_fold, 3)
    stopped = loso.run(tiny(tiny_data, runs, *HEART, "name=dry", "loso.dry_run=true", "train.checkpoint_every=2"))
    assert stopped.estimate.state[FOLDS[1]] == "epoch 3 of 4"
    assert stopped.estimate.steps == (2 + 4) * 2, "a stopped fold goes on from its checkpoint, after epoch 2"


@pytest.mark.slow
def test_a_fold_that_is_terminated_is_tried_again_and_the_others_go_on(tiny_data, runs):
    folder = runs / "loso" / "terminated"
    arguments = command(tiny_data, runs, "name=terminated", "train.epochs=60", "loso.workers=1")
    running = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    fold = folder / "folds" / FOLDS[0]
    wait_for((fold / "checkpoints" / "last.ckpt").is_file)
    os.kill(processes_of(folder / "folds")[-1], signal.SIGTERM)
    printed = running.communicate(timeout=120)[0]
    assert running.returncode == 0
    assert f"fold {FOLDS[0]}: ended by SIGTERM, see {fold}/log.txt; it will be tried once more" in printed
    assert json.loads((folder / "results.json").read_text())["folds_done"] == 3


@pytest.mark.slow
def test_the_selected_epoch_is_the_same_when_the_runs_folder_moves_between_stop_and_resume(tiny_data, runs):
    rule = ["loso.selection=oracle", "train.epochs=12", "train.checkpoint_every=4", "loso.workers=1"]
    whole = loso.run(tiny(tiny_data, runs, *HEART, *rule, "name=whole"))
    running = subprocess.Popen(command(tiny_data, runs, "name=moved", *rule), stdout=subprocess.DEVNULL)
    fold = runs / "loso" / "moved" / "folds" / FOLDS[0]
    wait_for((fold / "checkpoints" / "last.ckpt").is_file)
    running.kill()
    running.wait()
    elsewhere = runs.rename(runs.with_name("elsewhere"))
    moved = loso.run(tiny(tiny_data, elsewhere, *HEART, *rule, "name=moved"))
    for name in FOLDS:
        texts = [(place / "folds" / name / "predictions.csv").read_text()
                 for place in (elsewhere / "loso" / whole.folder.name, moved.folder)]  # fmt: skip
        assert texts[0] == texts[1]


def test_diverged_training_is_reported_and_not_tried_again(tiny_data, runs, capfd):
    only = ["train.lr=1e30", "loso.subjects=[010100_m_27]", "name=diverged"]
    result = loso.run(tiny(tiny_data, runs, *HEART, *only))
    assert "the training diverged" in result.failed[FOLDS[0]]
    assert "tried once more" not in capfd.readouterr().out


def test_failures_of_folds_that_are_not_chosen_now_are_kept(tiny_data, runs):
    wrong = ["train.lr=1e30", "name=kept"]
    folder = loso.run(tiny(tiny_data, runs, *HEART, *wrong, "loso.subjects=[010100_m_27]")).folder
    loso.run(tiny(tiny_data, runs, *HEART, *wrong, "loso.subjects=[020100_w_34]"))
    assert sorted(json.loads((folder / "failures.json").read_text())) == FOLDS[:2]


@pytest.mark.skipif(not any(map(shutil.which, ("g++", "clang++", "c++"))), reason="no C++ compiler")
def test_a_dry_run_counts_what_cpp_computes(tiny_data, runs):
    settings = [
        "name=dry",
        "loso.dry_run=true",
        "loso.subjects=[010100_m_27]",
        "loso.threads=1",
        "model.modality=video",
    ]
    found = [loso.run(tiny(tiny_data, runs, *settings, f"train.backend={backend}")).estimate.step_flops
             for backend in ("torch", "native")]  # fmt: skip
    assert found[0] == found[1]


def test_a_dry_run_refuses_what_the_run_would_refuse(tiny_data, trained):
    with pytest.raises(PainlitError, match="seed was 0 and is now 5"):
        loso.run(tiny(tiny_data, trained, *HEART, "name=heart_rate", "seed=5", "loso.dry_run=true"))


def test_a_model_for_everybody_needs_no_selection(tiny_data, runs):
    from experiments import finetune

    result = finetune.run(tiny(tiny_data, runs, *HEART, "loso.selection=oracle", "name=everybody"))
    assert result.weights.is_file()


@pytest.mark.slow
def test_a_summary_that_cannot_be_logged_costs_no_result_and_is_tried_again(tiny_data, runs, monkeypatch, capsys):
    import wandb

    def unreachable(**_):
        raise wandb.errors.CommError("no network")

    config = tiny(tiny_data, runs, *HEART, "name=later", "log.wandb=offline", "loso.subjects=[010100_m_27]")
    with monkeypatch.context() as patched:
        patched.setattr(wandb, "init", unreachable)
        result = loso.run(config)
    assert not result.failed
    assert (result.folder / "results.json").is_file()
    assert "the summary was not logged" in capsys.readouterr().out
    loso.run(config)
    loso.run(config)
    assert len(list(result.folder.glob("wandb/offline-run-*"))) == 1, "logged once, and not again"


@pytest.mark.slow
def test_oracle_reports_by_how_much_it_flatters(tiny_data, runs):
    result = loso.run(tiny(tiny_data, runs, *HEART, "loso.selection=oracle", "name=oracle"))
    last = loso.run(tiny(tiny_data, runs, *HEART, "name=last"))
    gap = result.results["optimism"]
    assert gap["accuracy"] == [last.results["pooled"]["accuracy"], result.results["pooled"]["accuracy"]]
    assert gap["difference"] >= 0
    for fold in FOLDS:
        last_epoch, plain = (r.folder / "folds" / fold / name for r, name in ((result, "predictions_last.csv"),
                                                                       (last, "predictions.csv")))  # fmt: skip
        assert last_epoch.read_text() == plain.read_text(), "the last epoch is the same training's"


def test_an_edited_fold_stops_the_next_run_before_it_trains(tiny_data, trained):
    config = tiny(tiny_data, trained, *HEART, "name=heart_rate")
    folder = trained / "loso" / "heart_rate"
    path = folder / "folds" / FOLDS[0] / "predictions.csv"
    path.write_text(path.read_text().replace("0.", "0.0", 1))
    (folder / "folds" / FOLDS[1] / "metrics.json").unlink()
    with pytest.raises(PainlitError, match=r"predictions\.csv is not what was written"):
        loso.run(config)
    assert not (folder / "folds" / FOLDS[1] / "metrics.json").exists()


def test_results_cut_short_are_written_again(tiny_data, trained):
    config = tiny(tiny_data, trained, *HEART, "name=heart_rate")
    folder = trained / "loso" / "heart_rate"
    whole = (folder / "results.json").read_text()
    (folder / "results.json").write_text(whole[:100])
    assert loso.run(config).trained == []
    assert (folder / "results.json").read_text() == whole


def test_a_subject_without_a_class_is_trained_tested_and_named(tiny_data, runs, tmp_path):
    import shutil

    root = shutil.copytree(tiny_data, tmp_path / "PartA")
    samples = root / "starting_point" / "samples.csv"
    lines = [row for row in samples.read_text().splitlines() if not re.search(rf"{FOLDS[0]}-PA4", row)]
    samples.write_text("\n".join(lines) + "\n")
    result = loso.run(tiny(root, runs, *HEART, "name=partial"))
    assert not result.failed
    assert any("1 subjects lack a class" in remark for remark in result.results["remarks"])
    figures = result.results["per_subject"][FOLDS[0]]
    assert figures["recall"] == figures["accuracy"], "of the one class that is there"
    assert result.results["pooled"]["clips"] == 10


@pytest.mark.slow
def test_the_summary_run_is_logged_offline_with_table_confusion_and_predictions(tiny_data, runs, monkeypatch):
    monkeypatch.delenv("WANDB_DATA_DIR", raising=False)
    result = loso.run(tiny(tiny_data, runs, *HEART, "name=logged", "log.wandb=offline", "loso.workers=2"))
    assert not result.failed
    (summary,) = result.folder.glob("wandb/offline-run-*/*.wandb")
    tables = list(summary.parent.glob("files/media/table/*.json"))
    assert {path.name.split("_")[0].split(" ")[0] for path in tables} == {"metrics", "per", "confusion"}
    assert b"summary" in summary.read_bytes()
    assert "WANDB_DATA_DIR" not in os.environ, "another run in this process has a folder of its own"
    waiting = [path.read_bytes() for path in result.folder.glob("wandb/artifacts/**/*") if path.is_file()]
    for fold in FOLDS:
        predictions = (result.folder / "folds" / fold / "predictions.csv").read_bytes()
        assert predictions in waiting, "the artifact has every fold's predictions"
    for fold in FOLDS:
        (run,) = (result.folder / "folds" / fold).glob("wandb/offline-run-*/*.wandb")
        assert b"logged" in run.read_bytes(), "the run of loso is their group"
    kinds = {path.suffix for path in result.folder.rglob("wandb/**/*") if path.is_file()}
    assert not kinds & {".png", ".jpg", ".jpeg", ".mp4"}


def test_online_without_credentials_is_refused_before_anything_runs(tiny_data, runs, monkeypatch, tmp_path):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with pytest.raises(PainlitError, match="no credentials of Weights & Biases"):
        loso.run(tiny(tiny_data, runs, *HEART, "name=online", "log.wandb=online"))
    assert not (runs / "loso" / "online").exists()


def test_joint_training_in_a_fold_is_the_same_with_and_without_checkpointing(tiny_data, runs):
    joint = [
        "train.joint=true",
        "model.modality=video",
        "loso.subjects=[010100_m_27]",
        "train.epochs=2",
        "loso.threads=1",
    ]
    rows = []
    for frames in ("2", "null"):
        result = loso.run(tiny(tiny_data, runs, *joint, f"train.joint_frames={frames}", f"name=joint-{frames}"))
        assert not result.failed
        lines = (result.folder / "folds" / FOLDS[0] / "predictions.csv").read_text().splitlines()[1:]
        rows.append([float(line.split(",")[4]) for line in lines])
    assert rows[0] == pytest.approx(rows[1], abs=1e-4)
