import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from painlit.errors import PainlitError
from painlit.runs.artefact import write_artefact
from painlit.system.digests import digest
from painlit.weights.files import load_weights, save_weights


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
    keys = {"stage", "sizes", "sha256", "commit", "versions", "seal"}
    assert set(json.loads(path.with_suffix(".json").read_text())) == keys


@pytest.mark.parametrize("edit", [("test", "tset"), ('"width": 3', '"width": 4'), ('"seal"', '"sale"')])
def test_an_edited_json_is_refused(path: Path, edit: tuple[str, str]):
    beside = path.with_suffix(".json")
    beside.write_text(beside.read_text().replace(*edit))
    with pytest.raises(PainlitError, match=r"net\.json"):
        load_weights(path, network())


def test_weights_of_another_stage_under_a_json_are_refused(path: Path):
    other = path.with_name("other.safetensors")
    save_weights(other, network(seed=1), {"stage": "another"})
    other.replace(path)
    with pytest.raises(PainlitError, match=r"net\.safetensors is not what was written"):
        load_weights(path, network())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_neither_written_nor_read(path: Path, value: float):
    broken, before = network(), path.read_bytes()
    broken[0].weight.data[1, 1] = value
    with pytest.raises(PainlitError, match=r"net\.safetensors: 0\.weight hold NaN or infinity"):
        save_weights(path, broken, {})
    assert path.read_bytes() == before
    state = broken.state_dict()
    save_file(state, path)
    write_artefact(path.with_suffix(".json"), {"sha256": digest(state)})
    with pytest.raises(PainlitError, match="NaN or infinity"):
        load_weights(path, network())


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"\x00" * 100, (2**40).to_bytes(8, "little"), (10**6).to_bytes(8, "little") + b"{" * 10**6]
)
def test_a_file_of_the_right_name_and_another_kind_is_a_short_error(path: Path, content: bytes):
    path.write_bytes(content)
    with pytest.raises(PainlitError, match=r"net\.safetensors") as caught:
        load_weights(path, network())
    assert len(str(caught.value)) < 3000


def test_a_shape_of_a_trillion_is_an_error(path: Path):
    header = json.dumps({"0.weight": {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 64)
    with pytest.raises(PainlitError, match="is no safetensors file"):
        load_weights(path, network())
