"""A folder for the Hub is the bundle, wherever it is loaded from; what the Hub puts beside it changes nothing."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import numpy as np
import pytest
from huggingface_hub import ModelCard

import painlit
from painlit.errors import PainlitError
from painlit.inference.bundles.bundle import Bundle
from painlit.inference.bundles.hub import find_bundle, hub_name
from painlit.inference.export.hub_folder import export_hub, push_to_hub


@pytest.fixture(scope="module")
def hub_folder(made_once, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("hub") / "model"
    export_hub(Bundle.open(made_once), folder, "cc-by-nc-4.0", "lab/pain")
    return folder


@pytest.fixture
def snapshot(hub_folder, tmp_path) -> Path:
    """As the hub's library leaves a download: links to blobs."""
    repository = tmp_path / "models--lab--pain"
    place = repository / "snapshots" / "c0ffee"
    (repository / "blobs").mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("c0ffee")
    for number, file in enumerate(sorted(path for path in hub_folder.rglob("*") if path.is_file())):
        name = file.relative_to(hub_folder)
        shutil.copy(file, repository / "blobs" / f"{number:040x}")
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).symlink_to(Path(*[".."] * (len(name.parts) + 1)) / "blobs" / f"{number:040x}")
    (place / ".gitattributes").write_text("*.safetensors filter=lfs diff=lfs merge=lfs -text\n")
    return place


FRESH = """
import sys, painlit
table = painlit.load(sys.argv[1], "cpu").assess(heart_rate=sys.argv[2]).table
print(*(repr(value) for value in table["p_P4"]))
"""


def test_a_fresh_process_gives_the_same_probabilities(made_once, hub_folder, snapshot, tmp_path):
    rates = tmp_path / "rates.csv"
    rates.write_text("time,bpm\n" + "".join(f"{second},{70 + 9 * np.sin(second):.1f}\n" for second in range(12)))
    expected = painlit.load(made_once, "cpu").assess(heart_rate=rates).table["p_P4"].to_numpy()
    assert len(expected) > 5
    assert np.ptp(expected) > 1e-5, "windows differ by more than what is compared"
    for folder in (hub_folder, snapshot):
        command = [sys.executable, "-c", FRESH, str(folder), str(rates)]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        made = np.array([float(value.removeprefix("np.float64(").rstrip(")")) for value in out.split()])
        assert np.abs(made - expected).max() < 1e-6


def test_the_weights_are_the_bundles(made_once, hub_folder):
    assert Bundle.open(hub_folder).sha256 == Bundle.open(made_once).sha256
    assert {path.name for path in hub_folder.iterdir()} == {
        "bundle.json", "weights", "MODEL_CARD.md", "README.md", "config.json",
    }  # fmt: skip


def test_the_card_has_what_the_hub_reads(hub_folder):
    card = ModelCard.load(hub_folder / "README.md")
    assert (card.data.license, card.data.library_name) == ("cc-by-nc-4.0", "painlit")
    assert card.data.pipeline_tag == "video-classification"
    assert "pain-assessment" in card.data.tags
    assert 'painlit.load("hf://lab/pain")' in card.text
    assert (hub_folder / "MODEL_CARD.md").read_text().strip() in card.text
    config = json.loads((hub_folder / "config.json").read_text())
    assert config["id2label"] == {"0": "NP", "1": "P4"}
    assert config["bundle"]["sha256"] == Bundle.open(hub_folder).sha256


def test_what_is_for_the_hub_alone_is_not_read(hub_folder, tmp_path):
    folder = shutil.copytree(hub_folder, tmp_path / "model")
    (folder / "README.md").write_text("rewritten on the Hub")
    (folder / "config.json").write_text("no JSON")
    (folder / ".cache" / "huggingface").mkdir(parents=True)
    (folder / ".cache" / "huggingface" / "x.metadata").write_text("x")
    Bundle.open(folder)
    zipped = Path(shutil.make_archive(str(tmp_path / "model"), "zip", tmp_path, "model"))
    assert Bundle.open(zipped).sha256 == Bundle.open(folder).sha256
    (folder / "weights" / "config.json").write_text("{}")
    with pytest.raises(PainlitError, match=r"weights/config\.json is not listed"):
        Bundle.open(folder)


def test_links_of_a_snapshot_lead_to_its_blobs_alone(snapshot):
    assert Bundle.open(snapshot).parts == ("fusion", "video", "heart_rate")
    card, outside = snapshot / "MODEL_CARD.md", snapshot.parent.parent / "outside.md"
    shutil.copy(card, outside)
    card.unlink()
    card.symlink_to(outside)
    with pytest.raises(PainlitError, match=r"MODEL_CARD\.md' is a link, which may lead out"):
        Bundle.open(snapshot)


def test_a_link_without_a_snapshot_is_refused(snapshot, tmp_path):
    elsewhere = tmp_path / "models--lab--pain" / "copies" / "c0ffee"
    shutil.copytree(snapshot, elsewhere, symlinks=True)
    with pytest.raises(PainlitError, match="a link, which may lead out"):
        Bundle.open(elsewhere)


def test_a_damaged_blob(snapshot):
    blob = (snapshot / "weights" / "video-model-002.safetensors").resolve()
    blob.write_bytes(blob.read_bytes()[:-1] + b"\x01")
    with pytest.raises(PainlitError, match=r"video-model-002\.safetensors is not what was written"):
        Bundle.open(snapshot)


def test_names_on_the_hub(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert hub_name("lab/pain") == ("lab/pain", None)
    assert hub_name("hf://lab/pain@v1.0") == ("lab/pain", "v1.0")
    for path in ("study.zip", "lab/study.zip", "/lab/pain", "a/b/c", ".", "../pain"):
        assert hub_name(path) is None
    (tmp_path / "lab").mkdir()
    assert hub_name("lab/pain") is None, "a folder lab is here: a mistyped path does not reach the network"
    assert hub_name("hf://lab/pain") == ("lab/pain", None)
    with pytest.raises(PainlitError, match="names no model on the Hub"):
        hub_name("hf://pain")


def test_load_takes_a_name_on_the_hub(snapshot, monkeypatch):
    requests = []

    def download(repository, *, revision, allow_patterns):
        requests.append((repository, revision, allow_patterns))
        return str(snapshot)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert painlit.load("hf://lab/pain@v1", "cpu").bundle.classes == ("NP", "P4")
    assert painlit.load("lab/pain", "cpu").bundle.path == snapshot
    assert [name[:2] for name in requests] == [("lab/pain", "v1"), ("lab/pain", None)]
    assert requests[0][2] == ["*.safetensors", "*.json", "*.md"], "neither pickles nor code are fetched"


def test_a_name_that_cannot_be_reached(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        PainlitError, match=r"no folder or zip lab/nothing here, and lab/nothing on the Hugging Face Hub"
    ):
        painlit.load("lab/nothing")
    with pytest.raises(PainlitError, match=r"lab/bad\.\.name on the Hugging Face Hub cannot be reached"):
        find_bundle("hf://lab/bad..name")


class Api:
    """Stands for the hub's API: the requests it got, and whether the repository is private."""

    def __init__(self, private: bool = True, error: Exception | None = None):
        self.private, self.error, self.requests = private, error, {}

    def create_repo(self, repository, **given):
        if self.error:
            raise self.error
        self.requests["create"] = (repository, given)
        return f"https://huggingface.co/{repository}"

    def model_info(self, repository):
        return SimpleNamespace(private=self.private)

    def upload_folder(self, **given):
        self.requests["upload"] = given


def test_push(hub_folder, monkeypatch):
    api = Api()
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: api)
    assert push_to_hub(hub_folder, "lab/pain") == "https://huggingface.co/lab/pain"
    assert api.requests["create"] == ("lab/pain", {"private": True, "exist_ok": True})
    assert (api.requests["upload"]["folder_path"], api.requests["upload"]["repo_id"]) == (hub_folder, "lab/pain")
    assert api.requests["upload"]["delete_patterns"] == ["weights/*"]


def test_a_public_repository_is_refused_unless_it_is_asked_for(hub_folder, monkeypatch):
    api = Api(private=False)
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: api)
    with pytest.raises(PainlitError, match=r"lab/pain on the Hub is public, and export\.private=true"):
        push_to_hub(hub_folder, "lab/pain")
    assert "upload" not in api.requests
    push_to_hub(hub_folder, "lab/pain", private=False)
    assert "upload" in api.requests


def test_a_push_that_fails_names_the_repository(hub_folder, monkeypatch):
    for error in (ConnectionError("no network"), huggingface_hub.errors.HTTPError("401 Unauthorized")):
        monkeypatch.setattr(huggingface_hub, "HfApi", lambda error=error: Api(error=error))
        with pytest.raises(PainlitError, match=rf"lab/pain on the Hugging Face Hub cannot be reached: {error}"):
            push_to_hub(hub_folder, "lab/pain")


def test_an_older_folder_is_replaced_and_a_plain_bundle_is_not(made_once, hub_folder, bundle_folder, tmp_path):
    folder = shutil.copytree(hub_folder, tmp_path / "model")
    (folder / "config.json").write_text("{}")
    export_hub(Bundle.open(made_once), folder)
    assert json.loads((folder / "config.json").read_text())["library_name"] == "painlit"
    with pytest.raises(PainlitError, match="exists and is no such export"):
        export_hub(Bundle.open(made_once), bundle_folder)
