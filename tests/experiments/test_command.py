import gc
import itertools
import signal
import subprocess
import sys
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from experiments import command
from experiments.command import STAGES, main, painlit, stage_module
from painlit.config import Config, settings
from painlit.config import affects as affecting
from painlit.errors import PainlitError, TerminatedError


@dataclass
class Result:
    exit_status: int


def status(monkeypatch, run, *arguments: str, stage="finetune", **module) -> int:
    """Exit status of a stage whose module is this `run`; None leaves the real one."""
    if run is not None:
        monkeypatch.setattr(command, "stage_module", lambda _: SimpleNamespace(run=run, **module))
    monkeypatch.setattr(sys, "argv", ["stage", *arguments])
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)  # which a stop replaces
    with pytest.raises(SystemExit) as caught:
        main(stage)
    return caught.value.code


def fail(error: BaseException):
    def run(config: Config) -> None:
        raise error

    return run


def test_arguments_reach_the_stage_after_its_defaults(monkeypatch, tmp_path):
    file = tmp_path / "defaults.yaml"
    file.write_text("{seed: 1, task: multilevel}")
    seen: list[Config] = []
    assert status(monkeypatch, seen.append, "seed=2", DEFAULTS=file) == 0
    assert (seen[0].seed, seen[0].task) == (2, "multilevel")


def test_the_results_exit_status_is_the_commands(monkeypatch):
    assert status(monkeypatch, lambda config: Result(1)) == 1


def test_an_error_for_the_user_has_no_traceback(monkeypatch, capsys):
    assert status(monkeypatch, fail(PainlitError("row 7 is wrong", "mend it"))) == 2
    assert capsys.readouterr().err == "error: row 7 is wrong\n  -> mend it\n"
    assert status(monkeypatch, fail(AssertionError("not run")), "train.epoch=3") == 2
    assert "did you mean train.epochs?" in capsys.readouterr().err


def test_ctrl_c_says_how_to_go_on(monkeypatch, capsys):
    assert status(monkeypatch, fail(KeyboardInterrupt())) == 130
    assert "same command" in capsys.readouterr().err


class HalfMade:
    """As a loader that was stopped while it started its workers."""

    def __del__(self):
        raise AttributeError("it has none yet")


@pytest.mark.parametrize(("stop", "expected"), [(KeyboardInterrupt(), 130), (TerminatedError(signal.SIGTERM), 143)])
def test_a_stop_does_not_report_what_it_left_half_made(monkeypatch, capsys, stop, expected):
    ignored = []
    monkeypatch.setattr(sys, "unraisablehook", ignored.append)
    held = [HalfMade()]

    def run(config: Config) -> None:
        half_made = held.pop()  # lives as long as the traceback
        assert half_made
        raise stop

    assert status(monkeypatch, run) == expected
    stop.__traceback__ = None
    gc.collect()
    assert not ignored
    assert "run the same command to go on" in capsys.readouterr().err


def test_our_own_mistakes_keep_their_traceback(monkeypatch):
    monkeypatch.setattr(command, "stage_module", lambda _: SimpleNamespace(run=fail(ZeroDivisionError())))
    with pytest.raises(ZeroDivisionError):
        main("finetune", [])


@pytest.mark.parametrize(
    ("stage", "key", "meant"),
    [
        ("pretrain-ecg", "train.epochs=2", "ecg.train.epochs"),
        ("loso", "ecg.sets=[ptb]", "pretrain-ecg"),
        ("prepare", "model.modality=video", "finetune, loso, tables"),
        ("embed", "loso.workers=2", "loso"),
        ("compare", "seed=3", "pretrain-stage1"),
        ("pretrain-stage2", "stage1.root=x", "pretrain-stage1"),
    ],
)
def test_a_setting_of_another_stage_is_refused_and_that_stage_named(monkeypatch, capsys, stage, key, meant):
    assert status(monkeypatch, fail(AssertionError("run")), key, stage=stage) == 2
    printed = capsys.readouterr().err
    assert f"{stage} does not read {key.split('=')[0]}" in printed
    assert meant in printed


def test_a_yaml_file_may_hold_settings_of_several_stages(monkeypatch, tmp_path):
    file = tmp_path / "all.yaml"
    file.write_text("{train: {epochs: 60}, ecg: {train: {epochs: 3}}}")
    seen: list[Config] = []
    assert status(monkeypatch, seen.append, f"config={file}", stage="pretrain-ecg") == 0
    assert seen[0].ecg.train.epochs == 3


@pytest.mark.parametrize("stage", STAGES)
def test_help_of_a_stage_lists_what_it_reads_and_runs_nothing(monkeypatch, capsys, stage):
    assert status(monkeypatch, fail(AssertionError("run")), "--help", stage=stage) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{stage}: {STAGES[stage]}"
    sentences = {line.split("=")[0].strip(): below for line, below in itertools.pairwise(lines) if "=" in line}
    mine = {key for key, setting in settings().items() if stage in setting.stages}
    assert mine <= sentences.keys()
    assert not sentences.keys() & (settings().keys() - mine)
    assert all(len(sentences[key].split()) >= 2 for key in mine), "each has its sentence"


def test_every_setting_is_read_by_some_stage_and_every_stage_is_known():
    assert [key for key, setting in settings().items() if not setting.stages - {"demo"}] == []
    assert set(STAGES) == set(affecting.STAGES)


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_has_an_entry_point(stage):
    assert callable(stage_module(stage).run)


def test_painlit_lists_the_stages_at_once(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["painlit", "--help"])
    with pytest.raises(SystemExit) as caught:
        painlit()
    assert caught.value.code == 0
    printed = capsys.readouterr().out
    assert all(f"  {stage} " in printed for stage in STAGES)
    done = subprocess.run([sys.executable, "-X", "importtime", "-m", "experiments", "loso", "--help"], check=True,
                          capture_output=True, text=True)  # fmt: skip
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not imported & {"torch", "lightning", "wandb", "cv2"}


def test_painlit_names_a_stage_that_does_not_exist(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["painlit", "train"])
    with pytest.raises(SystemExit) as caught:
        painlit()
    assert caught.value.code == 2
    assert "there is no stage 'train'" in capsys.readouterr().err


def test_painlit_does_what_the_stage_does(monkeypatch, capsys, make_biovid, tmp_path):
    root = make_biovid(tmp_path / "good", subjects=1, clips_per_class=1, videos=True)
    monkeypatch.setattr(sys, "argv", ["painlit", "check-data", f"data.root={root}"])
    with pytest.raises(SystemExit) as caught:
        painlit()
    assert caught.value.code == 0
    assert "is complete" in capsys.readouterr().out


def test_check_data_exits_with_1_if_anything_is_wrong(monkeypatch, make_biovid, tmp_path):
    root = make_biovid(tmp_path / "good", subjects=1, clips_per_class=1, videos=True)
    next((root / "video").rglob("*.mp4")).unlink()
    assert status(monkeypatch, None, f"data.root={root}", stage="check-data") == 1
    assert status(monkeypatch, None, f"data.root={tmp_path / 'none'}", stage="check-data") == 2
