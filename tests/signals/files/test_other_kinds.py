"""A recording of another kind than it is given as."""

from pathlib import Path

import pytest

from painlit.errors import ClipError
from painlit.signals.files import read_ecg
from painlit.signals.heart_rates import read_heart_rates


def test_other_recordings_are_named(read, tmp_path: Path):
    for name, content in (
        ("a.mp4", b"\0\0\0\x18ftypisom"),
        ("a.mkv", b"\x1aE\xdf\xa3"),
        ("a.avi", b"RIFF\1\1\1\1AVI "),
    ):
        (tmp_path / name).write_bytes(content * 9)
        for reader in (read_ecg, read_heart_rates):
            with pytest.raises(ClipError, match="looks like a video"):
                reader(tmp_path / name)
    (tmp_path / "a.edf").write_bytes(b"0       ".ljust(600))
    with pytest.raises(ClipError, match=r"(?s)looks like an ECG \(EDF\).*--ecg"):
        read_heart_rates(tmp_path / "a.edf")
    with pytest.raises(ClipError, match="--heart-rate"):
        read("time,bpm", *(f"{k},{60 + k % 9}" for k in range(60)))
    with pytest.raises(ClipError, match="--heart-rate"):
        read(*(f"{0.8 + k % 9 / 100:.3f}" for k in range(60)))
    (tmp_path / "ecg.csv").write_text("time,ecg\n0,0.1\n0.004,0.2\n")
    with pytest.raises(ClipError, match="--ecg"):
        read_heart_rates(tmp_path / "ecg.csv")
