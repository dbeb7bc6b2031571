"""Recordings are known by all of their files."""

import os
import shutil
from pathlib import Path

import pytest

from painlit.system.digests import FileState, parts_of


@pytest.fixture(params=["file", "folder", "record"])
def recording(request, tmp_path: Path) -> tuple[Path, Path]:
    """A recording, and one of its files whose loss or change must not pass."""
    place = tmp_path / "place"
    place.mkdir()
    for name in ("r.hea", "r.dat", "r_2.dat", "rest.hea", "0.png"):
        (place / name).write_bytes(name.encode() * 100)
    kinds = {
        "file": (place / "r.dat",) * 2,
        "folder": (place, place / "0.png"),
        "record": (place / "r.hea", place / "r_2.dat"),
    }
    return kinds[request.param]


def test_a_recording_is_itself_also_elsewhere_and_at_another_time(recording, tmp_path: Path):
    path, part = recording
    before = FileState.of(path)
    assert before.still_true_of(path)
    os.utime(part, ns=(0, part.stat().st_mtime_ns + 10**9))
    assert before.still_true_of(path)
    root = tmp_path / "place"
    shutil.copytree(root, tmp_path / "copy")
    assert before.still_true_of(tmp_path / "copy" / path.relative_to(root))


@pytest.mark.parametrize(
    "change",
    [Path.unlink, lambda part: part.write_bytes(b"x" * part.stat().st_size), lambda part: part.write_bytes(b"")],
)
def test_a_part_that_is_gone_cut_or_replaced_is_noticed(recording, change):
    path, part = recording
    before = FileState.of(path)
    change(part)
    os.utime(part.parent)
    if part.exists():
        os.utime(part, ns=(0, before.time + 10**9))
    assert not before.still_true_of(path)


def test_a_record_is_its_own_files_alone(tmp_path: Path):
    for name in ("a.hea", "a.dat", "a.atr", "a_1.dat", "ab.hea", "b.dat", "[a].hea", "[a].dat"):
        (tmp_path / name).touch()
    assert [path.name for path in parts_of(tmp_path / "a.hea")] == ["a.atr", "a.dat", "a.hea", "a_1.dat"]
    assert [path.name for path in parts_of(tmp_path / "[a].hea")] == ["[a].dat", "[a].hea"]
