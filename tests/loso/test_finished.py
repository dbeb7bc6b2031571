"""Folds are read only if they are what this run wrote."""

import json
import shutil
from pathlib import Path

import pytest

from painlit.config import load
from painlit.errors import PainlitError
from painlit.loso.finished import FOLD_FORMAT, binding, check_folds, fold_fingerprint, read_folds, read_metrics
from painlit.loso.training_results import CURVES_FILE, write_curves
from painlit.runs.artefact import write_artefact
from painlit.runs.folder import fingerprint
from painlit.system.digests import file_digest

ROW = "clip,subject,label,prediction,p0,p1\nann-1,ann,0,0,0.9,0.1\nann-2,ann,1,0,0.6,0.4\n"
RUN = fingerprint(load(["train.lr=0.01"]), {"clips": "abc", "format": FOLD_FORMAT, "code": "c1"}, "pain")


@pytest.fixture
def fold(tmp_path: Path) -> Path:
    """A finished fold."""
    folder = tmp_path / "folds" / "ann"
    folder.mkdir(parents=True)
    (folder / "predictions.csv").write_text(ROW)
    write_curves(folder / CURVES_FILE, [])
    write_artefact(folder / "fingerprint.json", fold_fingerprint(RUN, "ann"))
    parts = {"test": "predictions.csv", "curves": CURVES_FILE}
    metrics = {"fold": "ann", **{part: {"sha256": file_digest(folder / name)} for part, name in parts.items()}}
    write_artefact(folder / "metrics.json", metrics, binding(RUN, "ann"))
    return folder


def test_a_fold_as_it_was_written_is_read(fold: Path):
    check_folds([fold, fold.with_name("not begun")], RUN)
    assert read_folds([fold]).clips == ["ann-1", "ann-2"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("0.9,0.1", "0.1,0.9"),  # edited by hand
        lambda text: text[:-9],  # cut short
        lambda text: text + "ann-3,ann,1,1,0.2,0.8\n",
    ],
)
def test_edited_and_cut_predictions_are_refused(fold: Path, damage):
    (fold / "predictions.csv").write_text(damage(ROW))
    for read in (lambda: check_folds([fold], RUN), lambda: read_folds([fold])):
        with pytest.raises(PainlitError, match=rf"{fold}/predictions\.csv is not what was written.*(?s:.*)delete"):
            read()


@pytest.mark.parametrize("name", ["predictions.csv", CURVES_FILE])
def test_a_lost_file_of_a_finished_fold_is_named(fold: Path, name: str):
    (fold / name).unlink()
    with pytest.raises(PainlitError, match=f"{name} is missing, though"):
        check_folds([fold], RUN)


def test_edited_learning_curves_are_refused(fold: Path):
    (fold / CURVES_FILE).write_text("epoch\n")
    with pytest.raises(PainlitError, match=rf"{fold}/curves\.csv is not what was written"):
        read_folds([fold])


def test_metrics_cut_short_are_named(fold: Path):
    (fold / "metrics.json").write_text((fold / "metrics.json").read_text()[:20])
    with pytest.raises(PainlitError, match=r"metrics\.json is no valid JSON"):
        check_folds([fold], RUN)


def test_a_fold_of_another_version_is_refused_and_says_so(fold: Path):
    other = {**fold_fingerprint(RUN, "ann"), "format": FOLD_FORMAT - 1}
    write_artefact(fold / "fingerprint.json", other)
    with pytest.raises(PainlitError, match=f"format was {FOLD_FORMAT - 1} and is now {FOLD_FORMAT}"):
        check_folds([fold], RUN)
    (fold / "fingerprint.json").unlink()
    with pytest.raises(PainlitError, match="another version made it"):
        check_folds([fold], RUN)


def test_a_fold_copied_from_another_run_or_subject_is_refused(fold: Path):
    with pytest.raises(PainlitError, match=r"train\.lr was 0\.01 and is now 0\.02"):
        check_folds(
            [fold], fingerprint(load(["train.lr=0.02"]), {"clips": "abc", "format": FOLD_FORMAT, "code": "c1"}, "pain")
        )
    with pytest.raises(PainlitError, match="clips was 'abc' and is now 'def'"):
        check_folds([fold], {**RUN, "clips": "def"})
    copied = fold.rename(fold.with_name("bob"))
    with pytest.raises(PainlitError, match="fold was 'ann' and is now 'bob'"):
        check_folds([copied], RUN)


def test_a_begun_fold_is_checked_too(fold: Path):
    (fold / "metrics.json").unlink()
    (fold / "checkpoints").mkdir()
    (fold / "checkpoints" / "last.ckpt").touch()
    assert json.loads((fold / "fingerprint.json").read_text())["fold"] == "ann"
    with pytest.raises(PainlitError, match="clips was"):
        check_folds([fold], {**RUN, "clips": "def"})


@pytest.mark.parametrize("text", ["{}", "[]", "null", '{"fold": "ann"}', '{"seal": 3}', '{"seal": {"content": ""}}'])
@pytest.mark.parametrize("name", ["metrics.json", "fingerprint.json"])
def test_a_file_of_the_right_name_and_another_kind_is_refused(fold: Path, name: str, text: str):
    (fold / name).write_text(text)
    with pytest.raises(PainlitError, match=name):
        check_folds([fold], RUN)


def test_metrics_of_another_fold_are_refused_whoever_reads(fold: Path):
    other = shutil.copytree(fold, fold.with_name("bob"))
    write_artefact(other / "fingerprint.json", fold_fingerprint(RUN, "bob"))
    for read in (lambda: check_folds([other], RUN), lambda: read_folds([other])):
        with pytest.raises(PainlitError, match=r"another run or fold|metrics of fold ann"):
            read()


def test_edited_metrics_are_refused(fold: Path):
    text = (fold / "metrics.json").read_text()
    (fold / "metrics.json").write_text(text.replace('"test"', '"tset"'))  # so that no digest would be compared
    with pytest.raises(PainlitError, match=r"metrics\.json is not what was written"):
        read_metrics(fold)


def test_folds_of_two_versions_of_the_code_mix_only_if_that_is_accepted(fold: Path):
    newer = {**RUN, "code": "c2"}
    with pytest.raises(PainlitError, match=r"code was 'c1' and is now 'c2'(?s:.*)loso\.accept_code"):
        check_folds([fold], newer)
    check_folds([fold], newer, accept=("code",))
    with pytest.raises(PainlitError, match="clips was"):
        check_folds([fold], {**newer, "clips": "def"}, accept=("code",))
