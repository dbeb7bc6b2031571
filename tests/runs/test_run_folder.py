import json
import subprocess
import sys
from pathlib import Path

import pytest

from painlit.config import Config, load
from painlit.errors import PainlitError
from painlit.runs.folder import check_fingerprint, fingerprint, run_lock

DATA = {"clips": "abc", "embeddings": "def"}
HOLDER = """
import sys
from pathlib import Path
from painlit.runs.folder import run_lock
with run_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_refused_until_the_first_ends(tmp_path: Path):
    folder = tmp_path / "run"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(PainlitError, match=f"another process works in {folder}"), run_lock(folder):
            pass
        holder.kill()  # even then the lock is free again
    with run_lock(folder):
        pass


def trained(folder: Path, file: str = "folds/a/metrics.json") -> Path:
    """A run's folder in which something is trained."""
    check_fingerprint(folder, fingerprint(load(), DATA, "pain", "evaluation"))
    (folder / file).parent.mkdir(parents=True)
    (folder / file).write_text("{}")
    return folder


@pytest.mark.parametrize("file", ["folds/a/metrics.json", "folds/a/checkpoints/last.ckpt"])
@pytest.mark.parametrize(
    "change", ["train.lr=0.001", "seed=1", "model.modality=video", "loso.protocol=loso67", "clip.frames=8"]
)
def test_another_configuration_is_refused_naming_the_key(tmp_path: Path, file: str, change: str):
    folder = trained(tmp_path, file)
    key, value = change.split("=")
    with pytest.raises(PainlitError, match=f"{key} was .* and is now '?{value}") as caught:
        check_fingerprint(folder, fingerprint(load([change]), DATA, "pain", "evaluation"))
    assert str(caught.value).count(" and is now ") == 1


def test_other_data_and_embeddings_are_refused(tmp_path: Path):
    folder = trained(tmp_path)
    with pytest.raises(PainlitError, match="clips was 'abc' and is now 'other'"):
        check_fingerprint(folder, fingerprint(load(), {**DATA, "clips": "other"}, "pain"))
    with pytest.raises(PainlitError, match="embeddings was 'def' and is now None"):
        check_fingerprint(folder, fingerprint(load(), {"clips": "abc"}, "pain"))


def test_the_same_configuration_goes_on(tmp_path: Path):
    check_fingerprint(trained(tmp_path), fingerprint(load(), DATA, "pain", "evaluation"))


@pytest.mark.parametrize(
    "change",
    [
        "loso.workers=3",
        "loso.subjects=[a]",
        "train.checkpoint_every=3",
        "log.wandb=disabled",
        "embed.device=cpu",
        "prepare.workers=2",
        "finetune.held_out=[a]",
        "data.root=elsewhere",
        "runs=elsewhere",
    ],
)
def test_what_changes_no_fold_may_change(tmp_path: Path, change: str):
    assert load([change]) != Config()
    check_fingerprint(trained(tmp_path), fingerprint(load([change]), DATA, "pain", "evaluation"))


def test_while_nothing_is_trained_the_configuration_may_change(tmp_path: Path):
    check_fingerprint(tmp_path, fingerprint(load(["train.lr=0.5"]), DATA, "pain", "evaluation"))
    (tmp_path / "folds" / "a").mkdir(parents=True)
    (tmp_path / "folds" / "a" / "log.txt").write_text("it failed at once")
    check_fingerprint(tmp_path, fingerprint(load(["train.lr=0.25"]), DATA, "pain", "evaluation"))
    assert json.loads((tmp_path / "fingerprint.json").read_text())["train.lr"] == 0.25
