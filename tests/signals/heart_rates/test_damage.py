"""Whatever is damaged, the error is one that names the file."""

import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from device_files import crc16

from painlit.errors import PainlitError
from painlit.signals.heart_rates import read_heart_rates

BPM = [72, 75, 80, 78, 74, 70]
XML = '<?xml version="1.0"?>\n<{0}>{1}</{0}>\n'
POINT = "<Trackpoint><Time>2026-08-29T22:00:0{}Z</Time><HeartRateBpm><Value>{}</Value></HeartRateBpm></Trackpoint>"
RECORD = '<Record type="HKQuantityTypeIdentifierHeartRate" startDate="2026-08-29 22:00:0{} +0200" value="{}"/>'
FILES = {
    "a.csv": "time;bpm\n" + "".join(f"{k},5;{b}\n" for k, b in enumerate(BPM)),
    "b.csv": '"timestamp","hr"\n' + "".join(f'"2026-08-29 22:00:0{k}","{b}"\n' for k, b in enumerate(BPM)),
    "c.txt": "".join(f"{60_000 // b}\n" for b in BPM),
    "IBI.csv": "1788040801.000000, IBI\n" + "".join(f"{k},{60 / b:.6f}\n" for k, b in enumerate(BPM)),
    "HR.csv": "1788040801.000000\n1.000000\n" + "".join(f"{b}.00\n" for b in BPM),
    "a.tcx": XML.format("TrainingCenterDatabase", "".join(POINT.format(k, b) for k, b in enumerate(BPM))),
    "export.xml": XML.format("HealthData", "".join(RECORD.format(k, b) for k, b in enumerate(BPM))),
    "a.json": "["
    + ",".join(f'{{"dateTime":"08/29/26 22:00:0{k}","value":{{"bpm":{b}}}}}' for k, b in enumerate(BPM))
    + "]",
}


@pytest.mark.parametrize("name", FILES)
def test_text_files(tmp_path: Path, name: str):
    good, generator = FILES[name].encode(), np.random.default_rng(0)
    path = tmp_path / name
    path.write_bytes(good)
    assert read_heart_rates(path).bpm.size
    for trial in range(60):
        damaged = bytearray(good)
        for place in generator.integers(len(damaged), size=3):
            damaged[place] = (
                generator.choice(list(b"\0\xff\xe9\"',;.:-+eE<>&[]{}\n\r\t 0159nanT")) if trial % 2 else 0x20
            )
        path.write_bytes(damaged[: generator.integers(1, len(damaged))] if trial % 3 == 0 else damaged)
        _only_named_errors(path)


def test_fit_files(tmp_path: Path):
    pytest.importorskip("fitdecode")
    body = struct.pack("<BBBHB", 0x40, 0, 0, 20, 2) + bytes([253, 4, 0x86, 3, 1, 2])
    body += struct.pack("<BBBHB", 0x41, 0, 0, 78, 1) + bytes([0, 10, 0x84])
    for k, bpm in enumerate(BPM):
        body += struct.pack("<BIB", 0, 1_150_000_000 + k, bpm) + struct.pack("<B5H", 1, 500, 500, *[0xFFFF] * 3)
    good = struct.pack("<BBHI4sH", 14, 0x10, 2132, len(body), b".FIT", 0) + body
    path, generator = tmp_path / "a.fit", np.random.default_rng(0)
    for trial in range(100):
        damaged = bytearray(good)
        for place in generator.integers(14, len(damaged), 3) if trial else ():
            damaged[place] = generator.integers(256)
        path.write_bytes(bytes(damaged) + struct.pack("<H", crc16(damaged)))
        if trial == 0:
            assert read_heart_rates(path).kind == "intervals"
        _only_named_errors(path)


def _only_named_errors(path: Path) -> None:
    with suppress(PainlitError):
        try:
            read_heart_rates(path).per_second(0, 3, longest_gap=2)
        except PainlitError as error:
            if path.name not in error.what:
                raise AssertionError(error.what) from error
            raise
