"""A bundle that is damaged, edited, of a newer version or made to do harm is refused, and the error names what is."""

import json
import re
import shutil
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from painlit.errors import PainlitError
from painlit.inference.bundles.bundle import Bundle
from painlit.runs.artefact import seal
from painlit.system.digests import file_digest

FILE = "weights/video-model-002.safetensors"


def refused(path: Path, message: str) -> None:
    with pytest.raises(PainlitError, match=message) as caught:
        Bundle.open(path)
    assert str(path) in caught.value.what
    assert caught.value.remedy


def edited(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    """bundle.json with a change, and a seal that fits it: whoever edits on purpose knows how to seal."""

    def damage(folder: Path) -> None:
        about = json.loads((folder / "bundle.json").read_text())
        change(about)
        (folder / "bundle.json").write_text(json.dumps(seal(about)))

    return damage


def written(name: str, content: bytes = b"x") -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)

    return damage


def replaced(file: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda folder: (folder / file).write_bytes(change((folder / file).read_bytes())) and None


def swapped(folder: Path) -> None:
    first, second = folder / FILE, folder / FILE.replace("002", "001")
    first.rename(folder / "third")
    second.rename(first)
    (folder / "third").rename(second)


def linked(folder: Path) -> None:
    (folder.parent / "outside").write_bytes((folder / FILE).read_bytes())
    (folder / FILE).unlink()
    (folder / FILE).symlink_to(folder.parent / "outside")


DAMAGE = {
    "json gone": (lambda f: (f / "bundle.json").unlink(), "holds no bundle.json"),
    "json cut": (replaced("bundle.json", lambda b: b[:900]), "no valid JSON"),
    "json no text": (replaced("bundle.json", lambda b: b"\xff\xfe\x00"), "no valid JSON"),
    "json a list": (replaced("bundle.json", lambda b: b"[1]"), "has no seal"),
    "json without seal": (replaced("bundle.json", lambda b: b'{"format": 1}'), "has no seal"),
    "json deep": (replaced("bundle.json", lambda b: b"[" * 100_000), "no valid JSON"),
    "json edited": (replaced("bundle.json", lambda b: b.replace(b'"np_vs_p4"', b'"np_vs_p3"')), "cut short or edited"),
    "figure edited": (replaced("bundle.json", lambda b: b.replace(b'"accuracy": 0.', b'"accuracy": 0.9')), "edited"),
    "newer": (edited(lambda a: a.update(format=2)), "made by a newer version"),
    "no format": (edited(lambda a: a.update(format="one")), "format is 'one'"),
    "weights gone": (lambda f: (f / FILE).unlink(), f"{FILE} is missing"),
    "weights cut": (replaced(FILE, lambda b: b[:-40]), "not what was written"),
    "weights edited": (replaced(FILE, lambda b: b[:-1] + bytes([b[-1] ^ 1])), "not what was written"),
    "weights swapped": (swapped, "not what was written"),
    "card edited": (replaced("MODEL_CARD.md", lambda b: b.replace(b"Research use", b"Diagnosis")), "not what was"),
    "unlisted weights": (written("weights/more.safetensors"), "more.safetensors is not listed"),
    "pickle": (written("weights/model.ckpt"), r"model\.ckpt.* holds no pickled files"),
    "torch": (written("model.pt"), "holds no pickled files and no code"),
    "npy": (written("x.npy"), "holds no pickled files"),
    "code": (written("painlit.py", b"import os"), "no code"),
    "no suffix": (written("LICENSE"), "none of"),
    "link": (linked, "a link, which may lead out"),
    "folder linked": (lambda f: (f / "more").symlink_to("/etc"), "a link"),
    "size": (edited(lambda a: a["sizes"].update({FILE: 10})), "not what was written"),
    "no models": (edited(lambda a: a.update(models=[])), "it has no models"),
    "key gone": (edited(lambda a: a.pop("temperature")), "temperature is missing"),
    "key of another kind": (edited(lambda a: a.update(classes="NP")), "classes is missing or of another kind"),
    "model elsewhere": (edited(lambda a: a["models"][0].update(file="MODEL_CARD.md")), "not among its weights"),
    "embedder gone": (edited(lambda a: a["embedders"].clear()), "embedder is 'spatial'"),
    "part unknown": (edited(lambda a: a["models"][0].update(part="voice")), "of part 'voice'"),
    "temperature": (edited(lambda a: a["temperature"].update(video=0)), r"temperature.video is 0"),
    "infinite": (edited(lambda a: a["temperature"].update(video=float("inf"))), "temperature.video"),
    "setting unknown": (edited(lambda a: a["config"].update(voice={"pitch": 1})), "cannot use its settings"),
    "setting wrong": (edited(lambda a: a["config"]["clip"].update(seconds=-1)), "cannot use its settings"),
    "resolver": (edited(lambda a: a["config"]["data"].update(name="${oc.env:HOME}")), "calls a resolver"),
}  # fmt: skip


@pytest.mark.parametrize("kind", DAMAGE)
@pytest.mark.parametrize("zipped", [False, True], ids=["folder", "zip"])
def test_a_damaged_bundle_is_refused(bundle_folder, tmp_path, kind, zipped):
    damage, message = DAMAGE[kind]
    damage(bundle_folder)
    if not zipped:
        refused(bundle_folder, message)
        return
    if "link" in kind:
        pytest.skip("a zip's links have a test of their own")
    path = Path(shutil.make_archive(str(tmp_path / "made"), "zip", bundle_folder))
    refused(path, message)


@pytest.mark.parametrize(
    "name", ["../out.json", "/etc/out.json", "weights/../../out.json", "C:/out.json", "a\\..\\out.json", "a//b.json",
             "./out.json", "out\n.json"],
)  # fmt: skip
@pytest.mark.parametrize("where", ["zip", "bundle.json"])
def test_paths_that_leave_the_bundle(bundle_folder, tmp_path, name, where):
    if where == "zip":
        path = tmp_path / "bundle.zip"
        Bundle.open(bundle_folder).save_zip(path)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(name, "{}")
    else:
        path = bundle_folder
        edited(lambda about: (about["files"].update({name: "0"}), about["sizes"].update({name: 2})))(path)
    refused(path, "leads out of the bundle|none of")
    assert not list(tmp_path.rglob("out*"))


def zip_of(folder: Path) -> Path:
    path = folder.parent / "bundle.zip"
    Bundle.open(folder).save_zip(path)
    return path


def test_a_link_in_a_zip(bundle_folder):
    path = zip_of(bundle_folder)
    link = zipfile.ZipInfo("weights/link.safetensors")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    refused(path, "a link")


def test_an_encrypted_zip(bundle_folder):
    path = zip_of(bundle_folder)
    content = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for found in re.finditer(re.escape(mark), bytes(content)):
            content[found.start() + at] |= 1
    path.write_bytes(content)
    refused(path, "is encrypted")


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9, 0.999])
def test_a_cut_zip(bundle_folder, keep):
    path = zip_of(bundle_folder)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    refused(path, "no zip that can be read")


def test_a_flipped_bit_in_a_zip(bundle_folder):
    path = zip_of(bundle_folder)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    refused(path, "no zip that can be read|not what was written")


def test_no_zip_and_nothing_at_all(tmp_path):
    (tmp_path / "model.ckpt").write_bytes(b"\x80\x04")
    refused(tmp_path / "model.ckpt", "no zip that can be read")
    refused(tmp_path / "nowhere", "there is no bundle")
    refused(tmp_path, "'model.ckpt' is none of")


def test_a_zip_bomb_is_refused_before_it_is_read(bundle_folder, tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(bundle_folder / "bundle.json", "bundle.json")
        with archive.open(FILE, "w", force_zip64=True) as handle:
            for _ in range(300):
                handle.write(bytes(2**20))
    refused(path, "compressed more than 100 times")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("bundle.json", bytes(65 * 2**20))
    refused(path, "at most 67,108,864")


def test_a_size_that_the_zip_belies(bundle_folder):
    """Of a file said to be short no more is read than that."""
    path = zip_of(bundle_folder)
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x01\x02", 0, content.rindex(FILE.encode()))
    content[at + 24 : at + 28] = struct.pack("<I", 100)
    path.write_bytes(content)
    refused(path, "not what was written|no zip that can be read")


@pytest.mark.parametrize("litter", [".DS_Store", "Thumbs.db", "weights/._x.safetensors"])
def test_what_systems_put_beside_files_is_passed_over(bundle_folder, litter):
    (bundle_folder / litter).write_bytes(b"whatever")
    assert Bundle.open(bundle_folder).parts == ("fusion", "video", "heart_rate")


def with_weights(folder: Path, file: str, state: dict[str, torch.Tensor]) -> Bundle:
    """The bundle with other weights, and digests that fit them."""
    save_file(state, folder / file)
    now = {"files": file_digest(folder / file), "sizes": (folder / file).stat().st_size}
    edited(lambda about: [about[key].update({file: value}) for key, value in now.items()])(folder)
    return Bundle.open(folder)


def test_weights_that_do_not_fit_are_named(bundle_folder):
    state = load_file(bundle_folder / FILE)
    name, *_ = state
    more = {key: value for key, value in state.items() if key != name} | {"stranger": torch.zeros(2)}
    bundle = with_weights(bundle_folder, FILE, more)
    with pytest.raises(PainlitError, match=rf"002\.safetensors does not fit.*{name} is missing; stranger is not expec"):
        bundle.models("video")
    bundle = with_weights(bundle_folder, FILE, {**state, name: torch.zeros(3, 5)})
    with pytest.raises(PainlitError, match=rf"{name} is \(3, 5\), expected"):
        bundle.models("video")
    bundle = with_weights(bundle_folder, FILE, {**state, name: torch.full_like(state[name], torch.nan)})
    with pytest.raises(PainlitError, match=rf"{name} hold NaN"):
        bundle.models("video")


def test_no_safetensors_file_behind_the_right_digest(bundle_folder):
    (bundle_folder / FILE).write_bytes(b"\x80\x04 a pickle")
    now = {"files": file_digest(bundle_folder / FILE), "sizes": 11}
    edited(lambda about: [about[key].update({FILE: value}) for key, value in now.items()])(bundle_folder)
    with pytest.raises(PainlitError, match="no safetensors file"):
        Bundle.open(bundle_folder).models("video")


def test_another_embedder_behind_the_right_file_digest(bundle_folder):
    file = "weights/embedder-spatial.safetensors"
    bundle = with_weights(bundle_folder, file, {k: v + 1 for k, v in load_file(bundle_folder / file).items()})
    with pytest.raises(PainlitError, match=r"embedder-spatial\.safetensors is not what was written"):
        bundle.embedder("spatial")


@pytest.mark.parametrize("sizes", [{"latents": 10**9, "latent_dim": 10**6}, {"latents": "x"}, {"token_size": 7}])
def test_sizes_that_are_not_the_weights_take_no_memory(bundle_folder, sizes):
    edited(lambda about: [model["model"]["temporal"].update(sizes) for model in about["models"]])(bundle_folder)
    with pytest.raises(PainlitError, match=r"does not fit|no network has the sizes|must be"):
        Bundle.open(bundle_folder).models("video")


def test_weights_that_change_after_opening_are_noticed(bundle_folder):
    bundle = Bundle.open(bundle_folder)
    swapped(bundle_folder)
    with pytest.raises(PainlitError, match="not what was written"):
        bundle.models("video")
