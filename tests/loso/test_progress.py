"""Progress over the epochs of all folds."""

import json
from pathlib import Path

from painlit.loso.progress import LosoProgress, epochs_done, forget_epoch, loso_progress, read_epoch, write_epoch


def test_epochs_of_all_folds_add_up(tmp_path: Path, capsys):
    for name in "abc":
        (tmp_path / name).mkdir()
    write_epoch(tmp_path / "b", 4)  # an earlier process had come so far
    steps: list[int] = []
    progress = LosoProgress(tmp_path, ["b", "c"], folds=3, epochs=10, advance=steps.append)
    progress.look()
    assert steps == []
    write_epoch(tmp_path / "b", 7)
    write_epoch(tmp_path / "c", 1)
    progress.look()
    assert sum(steps) == 4
    write_epoch(tmp_path / "c", 0)  # a fold that begins again takes nothing back
    (tmp_path / "b" / "metrics.json").write_text(json.dumps({"test": {"accuracy": 0.75}}))
    progress.finished("b")
    progress.look()
    assert sum(steps) == 7
    assert "fold b: accuracy 75.0 % (2 of 3 folds)" in capsys.readouterr().out


def test_the_bar_starts_where_earlier_runs_ended(tmp_path: Path, capsys):
    (tmp_path / "b").mkdir()
    write_epoch(tmp_path / "b", 4)
    with loso_progress(tmp_path, ["b", "c"], folds=3, epochs=10):
        pass
    assert "loso, epochs of 3 folds: 14/30" in capsys.readouterr().out


def test_a_torn_or_missing_file_counts_nothing(tmp_path: Path):
    assert read_epoch(tmp_path / "nobody") == 0
    (tmp_path / "progress.json").write_text('{"epo')
    assert read_epoch(tmp_path) == 0
    assert epochs_done(tmp_path, ["x"]) == {"x": 0}
    forget_epoch(tmp_path)
    forget_epoch(tmp_path)
    assert not (tmp_path / "progress.json").exists()
