import errno
import os
import pickle
from pathlib import Path

import pytest

from painlit.errors import ClipError, PainlitError
from painlit.system.files import atomic_path, named_disk_errors, read_json, write_json, write_text


def test_an_error_leaves_the_old_content_and_nothing_else(tmp_path: Path):
    path = tmp_path / "result.txt"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError), atomic_path(path) as temporary:
        temporary.write_text("half of the new, \ud800", "utf-8")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "new " * 10_000 + "\ud800")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["result.txt"]


def test_nothing_is_seen_under_the_name_before_it_is_whole(tmp_path: Path):
    path = tmp_path / "deep" / "result.txt"
    with atomic_path(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
        assert temporary.parent == path.parent  # a rename within one file system
    assert os.listdir(path.parent) == ["result.txt"]
    assert path.read_text() == "new"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_no_space_left_is_named_with_a_remedy(tmp_path: Path):
    with (
        pytest.raises(PainlitError) as caught,
        named_disk_errors(tmp_path / "file"),
        open("/dev/full", "wb", buffering=0) as handle,
    ):
        handle.write(b"x")
    assert caught.value.__cause__.errno == errno.ENOSPC
    assert f"{tmp_path / 'file'}: No space left on device" in str(caught.value)
    assert "free some space" in caught.value.remedy


def test_a_full_disk_keeps_the_old_content(tmp_path: Path, full_disk):
    path = tmp_path / "result.json"
    write_json(path, [1, 2])
    with full_disk(1000), pytest.raises(PainlitError, match=r"result\.json: File too large"):
        write_json(path, list(range(10_000)))
    assert read_json(path) == [1, 2]
    assert os.listdir(tmp_path) == ["result.json"]


def test_other_os_errors_stay_what_they_are(tmp_path: Path):
    with pytest.raises(FileNotFoundError), named_disk_errors(tmp_path):
        (tmp_path / "none").read_text()


def test_json_round_trip_and_no_nan(tmp_path: Path):
    path = tmp_path / "a.json"
    value = {"number": 1.25, "text": "± é", "list": [None, True, {"x": -1}]}
    write_json(path, value)
    assert read_json(path) == value
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"loss": float("nan")})
    assert read_json(path) == value


@pytest.mark.parametrize("content", [b'{"a": 1', b"", b"\xff\xfe\x00"])
def test_damaged_json_is_named(tmp_path: Path, content: bytes):
    path = tmp_path / "damaged.json"
    path.write_bytes(content)
    with pytest.raises(PainlitError, match=r"damaged\.json is no valid JSON"):
        read_json(path)


@pytest.mark.parametrize("kind", [PainlitError, ClipError])
def test_errors_survive_the_way_from_a_worker_process(kind: type[PainlitError]):
    copy = pickle.loads(pickle.dumps(kind("what", "remedy")))
    assert type(copy) is kind
    assert (copy.what, copy.remedy, str(copy)) == ("what", "remedy", "what\n  -> remedy")
