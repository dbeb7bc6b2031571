"""Text files that tests write."""

from pathlib import Path

import pytest

from painlit.signals.files import EcgSignal, read_ecg


@pytest.fixture
def read(tmp_path: Path):
    """Reads lines as a file."""

    def reading(*lines: str, rate: float | None = None, **more) -> EcgSignal:
        path = tmp_path / "a.txt"
        path.write_text("\n".join(lines) + "\n", "utf-8")
        return read_ecg(path, rate, **more)

    return reading
