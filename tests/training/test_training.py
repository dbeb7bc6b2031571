from pathlib import Path

import pytest
import torch

from painlit.errors import PainlitError
from painlit.system.devices import check_accelerator
from painlit.training.checkpoints import AtomicCheckpointIO


def test_a_checkpoint_on_a_full_disk_is_an_error_that_keeps_the_one_before(tmp_path: Path, full_disk):
    path = tmp_path / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"weight": torch.ones(10), "epoch": 3}, path)
    with full_disk(5000), pytest.raises(PainlitError, match=r"(?s)last\.ckpt: .*free some space"):
        AtomicCheckpointIO().save_checkpoint({"weight": torch.zeros(100_000), "epoch": 4}, path)
    kept = torch.load(path, weights_only=True)
    assert kept["epoch"] == 3
    assert torch.equal(kept["weight"], torch.ones(10))
    assert [p.name for p in tmp_path.iterdir()] == ["last.ckpt"]


@pytest.mark.skipif(torch.accelerator.is_available(), reason="this machine has an accelerator")
@pytest.mark.parametrize("name", ["gpu", "cuda", "mps"])
def test_an_accelerator_that_is_not_there_is_named_with_a_remedy(name: str):
    with pytest.raises(PainlitError, match=f"train.accelerator={name}, and this machine has no accelerator"):
        check_accelerator("train.accelerator", name)


@pytest.mark.parametrize("name", ["auto", "cpu"])
def test_what_every_machine_has_is_taken(name: str):
    check_accelerator("train.accelerator", name)
