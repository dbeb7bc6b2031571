import os
from pathlib import Path

import pytest
import torch

from painlit.errors import PainlitError
from painlit.system.devices import check_accelerator
from painlit.training.checkpoints import SealedCheckpointIO


def io(made_from="this fold") -> SealedCheckpointIO:
    return SealedCheckpointIO(made_from, "delete it")


def test_a_checkpoint_on_a_full_disk_is_an_error_that_keeps_the_one_before(tmp_path: Path, full_disk):
    path = tmp_path / "last.ckpt"
    io().save_checkpoint({"weight": torch.ones(10), "epoch": 3}, path)
    with full_disk(5000), pytest.raises(PainlitError, match=r"(?s)last\.ckpt: .*free some space"):
        io().save_checkpoint({"weight": torch.zeros(100_000), "epoch": 4}, path)
    kept = io().load_checkpoint(path)
    assert kept["epoch"] == 3
    assert torch.equal(kept["weight"], torch.ones(10))
    assert [p.name for p in tmp_path.iterdir()] == ["last.ckpt"]


@pytest.mark.parametrize("key", ["weight", "epoch", "state"])
def test_an_edited_checkpoint_is_refused(tmp_path: Path, key: str):
    path = tmp_path / "last.ckpt"
    io().save_checkpoint({"weight": torch.ones(10), "epoch": 3, "state": {0: {"step": torch.tensor(5.0)}}}, path)
    edited = torch.load(path, weights_only=True)
    if key == "weight":
        edited[key][3] = -1
    else:
        edited[key] = 4 if key == "epoch" else {}
    torch.save(edited, path)
    with pytest.raises(PainlitError, match=r"last\.ckpt is not what was written"):
        io().load_checkpoint(path)


def test_a_flipped_byte_anywhere_is_noticed(tmp_path: Path):
    path = tmp_path / "last.ckpt"
    io().save_checkpoint({"weight": torch.arange(100.0), "epoch": 3}, path)
    whole, noticed = path.read_bytes(), 0
    for at in range(0, len(whole), 97):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
        try:
            loaded = io().load_checkpoint(path)
            assert torch.equal(loaded["weight"], torch.arange(100.0)), at  # padding of the file
            assert loaded["epoch"] == 3, at
        except PainlitError:
            noticed += 1
    assert noticed > 5


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path):
    path = tmp_path / "last.ckpt"
    io({"fold": "ann", "train.lr": 0.1}).save_checkpoint({"epoch": 3}, path)
    assert io({"train.lr": 0.1, "fold": "ann"}).load_checkpoint(path) == {"epoch": 3}
    with pytest.raises(PainlitError, match="belongs to another run or fold"):
        io({"fold": "bob", "train.lr": 0.1}).load_checkpoint(path)


def test_a_checkpoint_of_plain_lightning_is_refused(tmp_path: Path):
    torch.save({"epoch": 3}, tmp_path / "last.ckpt")
    with pytest.raises(PainlitError, match="has no seal"):
        io().load_checkpoint(tmp_path / "last.ckpt")


class Malicious:
    def __reduce__(self):
        return Path.touch, (Path(os.environ["PAINLIT_TEST_MARK"]),)


def test_no_code_in_a_checkpoint_is_run_whatever_is_asked_for(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PAINLIT_TEST_MARK", str(tmp_path / "ran"))
    torch.save({"epoch": Malicious()}, tmp_path / "last.ckpt")
    with pytest.raises(PainlitError, match="is damaged"):
        io().load_checkpoint(tmp_path / "last.ckpt", weights_only=False)
    assert not (tmp_path / "ran").exists()


@pytest.mark.skipif(torch.accelerator.is_available(), reason="this machine has an accelerator")
@pytest.mark.parametrize("name", ["gpu", "cuda", "mps"])
def test_an_accelerator_that_is_not_there_is_named_with_a_remedy(name: str):
    with pytest.raises(PainlitError, match=f"train.accelerator={name}, and this machine has no accelerator"):
        check_accelerator("train.accelerator", name)


@pytest.mark.parametrize("name", ["auto", "cpu"])
def test_what_every_machine_has_is_taken(name: str):
    check_accelerator("train.accelerator", name)
