"""What folds leave of their training, and how results report it."""

from pathlib import Path

import pytest

from painlit.errors import PainlitError
from painlit.loso.training_results import (
    CURVES,
    CURVES_FILE,
    read_curves,
    training_remarks,
    training_results,
    write_curves,
)

ROWS = [{"epoch": epoch, **{name: 0.1 * epoch + k for k, name in enumerate(CURVES)}} for epoch in (2, 4)]


def test_what_is_written_is_what_is_read(tmp_path: Path):
    write_curves(tmp_path / CURVES_FILE, ROWS)
    assert read_curves(tmp_path / CURVES_FILE) == {
        "epoch": [2, 4],
        **{name: pytest.approx([0.2 + k, 0.4 + k]) for k, name in enumerate(CURVES)},
    }


@pytest.mark.parametrize(
    "text",
    ["", "epoch\n1\n", f"epoch,{','.join(CURVES)}\n", f"epoch,{','.join(CURVES)}\n1,2,3,4\n",
     f"epoch,{','.join(CURVES)}\n1,2,3,,\n", f"a,{','.join(CURVES)}\n1,2,3,4,5\n"],
)  # fmt: skip
def test_another_file_of_the_name_is_refused(tmp_path: Path, text: str):
    (tmp_path / CURVES_FILE).write_text(text)
    with pytest.raises(PainlitError, match=r"curves\.csv holds no learning curves(?s:.*)make loso"):
        read_curves(tmp_path / CURVES_FILE)


def test_where_nobody_was_tested_there_is_no_held_out_curve(tmp_path: Path):
    write_curves(tmp_path / CURVES_FILE, [{"epoch": 1, "train_loss": 0.5, "train_accuracy": 0.75}])
    assert (tmp_path / CURVES_FILE).read_text().splitlines()[1] == "1,0.500000,0.750000,,"


def test_pooled_is_over_the_training_clips_of_all_folds(tmp_path: Path):
    metrics = {}
    for name, clips, accuracy in (("ann", 100, 0.9), ("bob", 300, 0.5)):
        (tmp_path / name).mkdir()
        write_curves(tmp_path / name / CURVES_FILE, ROWS)
        train, test = {"clips": clips, "accuracy": accuracy, "loss": 1.0}, {"clips": 7, "accuracy": 0.4}
        metrics[name] = {"train": train, "test": test, "epoch": 5}
    results = training_results([tmp_path / name for name in metrics], metrics)
    assert results["accuracy"] == pytest.approx(240 / 400)
    assert results["per_fold"]["bob"] == {
        "train_clips": 300, "train_accuracy": 0.5, "test_clips": 7, "test_accuracy": 0.4, "epoch": 5
    }  # fmt: skip
    assert list(results["curves"]) == ["ann", "bob"]
    assert results["curves"]["ann"]["epoch"] == [2, 4]


@pytest.mark.parametrize(("tested", "remarks"), [(0.5, 1), (0.84, 1), (0.86, 0), (1.0, 0)])
def test_a_remark_says_where_what_acts_in_training_alone_separates_the_classes(tested: float, remarks: int):
    """The last epoch of each fold counts, and the mean over folds."""
    curves = {"ann": {"train_accuracy": [0.5, 1.0]}, "bob": {"train_accuracy": [1.0, 0.9]}}
    results = {"accuracy": tested, "curves": curves}
    found = training_remarks(results, augmnet=True)
    assert not any("AugmNet" in text for text in training_remarks(results, augmnet=False))
    assert len(found) == remarks
    assert all("AugmNet" in text and "95.0 %" in text and f"{100 * tested:.1f} %" in text for text in found)
