import json
from pathlib import Path

import pytest
import torch
from torch import nn

from painlit.errors import PainlitError
from painlit.weights.files import digest, load_weights, save_weights


def network(seed: int = 0, width: int = 3) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(2, width), nn.BatchNorm1d(width))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "weights" / "net.safetensors"
    save_weights(path, network(), {"stage": "test", "sizes": {"width": 3}})
    return path


def test_round_trip_with_what_they_are(path: Path):
    other = network(seed=1)
    about = load_weights(path, other)
    for name, tensor in network().state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor), name
    assert (about["stage"], about["sizes"]) == ("test", {"width": 3})
    assert about["sha256"] == digest(network().state_dict())
    assert about["commit"]


def test_digest_is_of_names_shapes_and_values(path: Path):
    state = network().state_dict()
    loaded = network(seed=1)
    load_weights(path, loaded)
    assert digest(loaded.state_dict()) == digest(dict(reversed(state.items()))) == digest(state)
    changed = {name: tensor.clone() for name, tensor in state.items()}
    changed["0.weight"][1, 1] += 1e-6
    renamed = {name.replace("0.", "2."): tensor for name, tensor in state.items()}
    reshaped = {**state, "0.weight": state["0.weight"].reshape(2, 3)}
    halved = {**state, "0.weight": state["0.weight"].half()}
    assert len({digest(s) for s in (state, changed, renamed, reshaped, halved)}) == 5


def test_each_misfit_is_named(path: Path):
    larger = nn.Sequential(nn.Linear(2, 4), nn.Identity(), nn.Linear(3, 3))
    with pytest.raises(PainlitError) as caught:
        load_weights(path, larger)
    message = str(caught.value)
    assert "2.weight is missing" in message
    assert "1.running_mean is not expected" in message
    assert "and 4 more" in message
    with pytest.raises(PainlitError, match=r"0\.weight is \(3, 2\), expected \(4, 2\)"):
        load_weights(path, network(width=4))


def test_a_misfit_changes_nothing(path: Path):
    model = network(seed=1, width=4)
    before = digest(model.state_dict())
    with pytest.raises(PainlitError):
        load_weights(path, model)
    assert digest(model.state_dict()) == before


@pytest.mark.parametrize("content", [b"", b"not safetensors at all", b'\x08\0\0\0\0\0\0\0{"a":1}'])
def test_a_file_of_another_kind_is_named(path: Path, content: bytes):
    path.write_bytes(content)
    with pytest.raises(PainlitError, match=r"net\.safetensors is no safetensors file"):
        load_weights(path, network())


def test_a_file_cut_short_is_named(path: Path):
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(PainlitError, match=r"net\.safetensors is no safetensors file"):
        load_weights(path, network())


def test_what_is_missing_is_named(path: Path):
    with pytest.raises(PainlitError, match=r"none\.safetensors do not exist"):
        load_weights(path.with_name("none.safetensors"), network())
    path.with_suffix(".json").unlink()
    with pytest.raises(PainlitError, match=r"net\.json is missing"):
        load_weights(path, network())


def test_a_full_disk_keeps_the_old_weights(path: Path, full_disk):
    with full_disk(100), pytest.raises(PainlitError, match=r"(?s)net.*free some space"):
        save_weights(path, network(seed=1), {})
    kept = network(seed=1)
    assert load_weights(path, kept)["stage"] == "test"
    assert digest(kept.state_dict()) == digest(network().state_dict())
    assert sorted(p.name for p in path.parent.iterdir()) == ["net.json", "net.safetensors"]


def test_the_json_is_plain(path: Path):
    assert set(json.loads(path.with_suffix(".json").read_text())) == {"stage", "sizes", "sha256", "commit", "versions"}
