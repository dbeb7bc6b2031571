import sys
from dataclasses import dataclass

import pytest

from experiments import check_data
from experiments.command import main
from painlit.config import Config, known_keys
from painlit.errors import PainlitError


@dataclass
class Result:
    exit_status: int


def status(monkeypatch, run, *arguments: str, defaults=()) -> int:
    monkeypatch.setattr(sys, "argv", ["stage", *arguments])
    with pytest.raises(SystemExit) as caught:
        main(run, "what it does", defaults)
    return caught.value.code


def fail(error: BaseException):
    def run(config: Config) -> None:
        raise error

    return run


def test_arguments_reach_the_stage_after_its_defaults(monkeypatch):
    seen: list[Config] = []
    assert status(monkeypatch, seen.append, "seed=2", defaults=["seed=1", "task=multilevel"]) == 0
    assert (seen[0].seed, seen[0].task) == (2, "multilevel")


def test_the_results_exit_status_is_the_commands(monkeypatch):
    assert status(monkeypatch, lambda config: Result(1)) == 1


def test_a_users_error_is_told_without_a_traceback(monkeypatch, capsys):
    assert status(monkeypatch, fail(PainlitError("row 7 is wrong", "mend it"))) == 2
    assert capsys.readouterr().err == "error: row 7 is wrong\n  -> mend it\n"
    assert status(monkeypatch, fail(AssertionError("not run")), "train.epoch=3") == 2
    assert "did you mean train.epochs?" in capsys.readouterr().err


def test_ctrl_c_says_how_to_go_on(monkeypatch, capsys):
    assert status(monkeypatch, fail(KeyboardInterrupt())) == 130
    assert "same command" in capsys.readouterr().err


def test_our_own_mistakes_keep_their_traceback(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["stage"])
    with pytest.raises(ZeroDivisionError):
        main(fail(ZeroDivisionError()), "")


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_lists_every_key_with_its_sentence_and_runs_nothing(monkeypatch, capsys, flag):
    monkeypatch.setattr(sys, "argv", ["stage", flag])
    main(fail(AssertionError("run")), "what it does")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "what it does"
    for key in known_keys():
        at = next(number for number, line in enumerate(lines) if line.startswith(f"  {key}="))
        assert len(lines[at + 1].split()) >= 2, f"{key} has no sentence"


def test_check_data_exits_with_1_if_anything_is_wrong(monkeypatch, capsys, make_biovid, tmp_path):
    good = make_biovid(tmp_path / "good", subjects=1, clips_per_class=1, videos=True)
    assert status(monkeypatch, check_data.run, f"data.root={good}") == 0
    assert "is complete" in capsys.readouterr().out
    next((good / "video").rglob("*.mp4")).unlink()
    assert status(monkeypatch, check_data.run, f"data.root={good}") == 1
    assert status(monkeypatch, check_data.run, f"data.root={tmp_path / 'none'}") == 2
