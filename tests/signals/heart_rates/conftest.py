"""Reading a file of heart rates with the given content."""

from pathlib import Path

import pytest
from device_files import BPM, HEALTH, health_record

from painlit.signals.heart_rates import HeartRates, read_heart_rates


@pytest.fixture
def health():
    return HEALTH.format("".join(health_record(5 * k, bpm) for k, bpm in enumerate(BPM)))


@pytest.fixture
def read(tmp_path: Path):
    def written(text: str | bytes, name: str = "rates.csv", device: str | None = None) -> HeartRates:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_heart_rates(path, device)

    return written
