"""Files of devices and apps in their true form, made here."""

import json
import struct
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from painlit.errors import ClipError, PainlitError
from painlit.signals.heart_rates import HeartRates, read_heart_rates

BPM = [72, 75, 80, 78, 74, 70]
BEGAN = datetime(2026, 8, 29, 22, 0, 1, tzinfo=UTC)


def told(series: HeartRates, words: str) -> bool:
    return any(words in note for note in series.notes)


# ---- Garmin FIT: 14 bytes of header, definitions and data of messages, CRC-16 (polynomial 0x8005, reflected).

FILE_ID, RECORD, HRV = 0, 20, 78
NO_RATE, NO_BEAT = 0xFF, 0xFFFF


def crc16(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def definition(local: int, message: int, fields: list[tuple[int, int, int]]) -> bytes:
    return struct.pack("<BBBHB", 0x40 | local, 0, 0, message, len(fields)) + bytes(n for field in fields for n in field)


def fit_file(messages: list[bytes], crc: int | None = None) -> bytes:
    body = definition(0, FILE_ID, [(0, 1, 0x00)]) + bytes([0, 4])  # an activity
    body += definition(1, RECORD, [(253, 4, 0x86), (3, 1, 0x02)]) + definition(2, HRV, [(0, 10, 0x84)])
    body += b"".join(messages)
    header = struct.pack("<BBHI4s", 14, 0x10, 2132, len(body), b".FIT")
    whole = header + struct.pack("<H", crc16(header)) + body
    return whole + struct.pack("<H", crc16(whole) if crc is None else crc)


def record(seconds: float, bpm: int) -> bytes:
    garmin_epoch = datetime(1989, 12, 31, tzinfo=UTC)
    return struct.pack("<BIB", 1, int((BEGAN - garmin_epoch).total_seconds() + seconds), bpm)


def hrv(*milliseconds: int) -> bytes:
    return struct.pack("<B5H", 2, *milliseconds, *[NO_BEAT] * (5 - len(milliseconds)))


@pytest.fixture
def read(tmp_path: Path):
    def written(content: bytes | str, name: str, device: str | None = None) -> HeartRates:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_heart_rates(path, device)

    return written


@pytest.mark.parametrize("name", ["activity.fit", "ACTIVITY.FIT", "without_extension"])
@pytest.mark.parametrize("step", [1, 4])
def test_fit_records(read, name, step):
    pytest.importorskip("fitdecode")
    series = read(fit_file([record(step * k, bpm) for k, bpm in enumerate(BPM)]), name)
    assert (series.source, series.kind, series.began) == ("Garmin FIT", "bpm", BEGAN)
    assert (series.times.tolist(), series.bpm.tolist()) == ([step * k for k in range(6)], BPM)


def test_fit_records_without_a_heart_rate_are_gaps(read):
    pytest.importorskip("fitdecode")
    series = read(fit_file([record(k, NO_RATE if k in (2, 3) else 72) for k in range(6)]), "a.fit")
    assert series.times.tolist() == [0, 1, 4, 5]
    assert series.ends.tolist() == [1, 2, 5, 6]
    assert told(series, "2 of 6 values are 0 or missing")


def test_fit_beat_intervals(read):
    pytest.importorskip("fitdecode")
    intervals = [800, 810, 790, 820, 805, 815, 795]
    messages = [record(0, 75), hrv(*intervals[:1]), record(1, 75), hrv(*intervals[1:3]), record(2, 75)]
    messages += [hrv(intervals[3]), record(3, 75), hrv(*intervals[4:6]), record(4, 75), hrv(intervals[6])]
    series = read(fit_file(messages), "a.fit")
    assert (series.kind, series.began) == ("intervals", BEGAN)
    np.testing.assert_allclose(series.ends - series.times, np.array(intervals) / 1000)
    np.testing.assert_allclose(np.diff(series.ends), np.array(intervals[1:]) / 1000)
    assert told(series, "hrv messages")


def test_a_pause_between_the_beats_of_a_fit_file(read):
    pytest.importorskip("fitdecode")
    seconds = [*range(8), *range(68, 76)]
    series = read(fit_file([m for k in seconds for m in (record(k, 60), hrv(1000))]), "a.fit")
    gaps = series.times[1:] - series.ends[:-1]
    assert np.flatnonzero(gaps > 1e-9).tolist() == [7]
    np.testing.assert_allclose(gaps[7], 60, atol=1)
    with pytest.raises(ClipError, match="longest stretch without is 60"):
        series.per_second(5, 5, longest_gap=10)


def test_damaged_fit_files(read):
    pytest.importorskip("fitdecode")
    good = fit_file([record(k, bpm) for k, bpm in enumerate(BPM)])
    cut = [good[:-1], good[: len(good) // 2], good[:16], good[:9]]
    for content in (*cut, b"no fit", fit_file([record(0, 70)], crc=1)):
        with pytest.raises(ClipError, match="is a damaged FIT file, or cut short"):
            read(content, "cut.fit")
    flipped = bytearray(good)
    flipped[60] ^= 0x10
    with pytest.raises(ClipError, match="is a damaged FIT file"):
        read(bytes(flipped), "flipped.fit")


def test_a_fit_file_without_heart_rates(read):
    pytest.importorskip("fitdecode")
    with pytest.raises(ClipError, match="none of 3 values is a heart rate"):
        read(fit_file([record(k, NO_RATE) for k in range(3)]), "a.fit")
    with pytest.raises(ClipError, match="has no records with a time"):
        read(fit_file([]), "settings.fit")


def test_without_fitdecode_the_extra_is_named(read, monkeypatch):
    monkeypatch.setitem(sys.modules, "fitdecode", None)
    with pytest.raises(PainlitError, match="fitdecode is not installed") as caught:
        read(fit_file([record(0, 70)]), "a.fit")
    assert caught.value.remedy == "pip install 'painlit[formats]'"


# ---- Garmin TCX

TCX = """<?xml version="1.0" encoding="UTF-8"?>
<TrainingCenterDatabase xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2">
 <Activities><Activity Sport="Other"><Id>2026-08-29T22:00:01.000Z</Id>
  <Lap StartTime="2026-08-29T22:00:01.000Z"><AverageHeartRateBpm><Value>75</Value></AverageHeartRateBpm>
   <MaximumHeartRateBpm><Value>180</Value></MaximumHeartRateBpm><Track>{}</Track>
  </Lap></Activity></Activities>
</TrainingCenterDatabase>
"""


def trackpoint(seconds: float, bpm: int | None) -> str:
    time = (BEGAN + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    rate = "" if bpm is None else f"<HeartRateBpm><Value>{bpm}</Value></HeartRateBpm>"
    return f"<Trackpoint><Time>{time}</Time><DistanceMeters>{seconds}</DistanceMeters>{rate}</Trackpoint>\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", ["activity.tcx", "activity.xml"])
def test_tcx(read, name, encoding):
    points = "".join(trackpoint(k / 2, bpm) for k, bpm in enumerate([*BPM, None, 90]))
    text = TCX.format(points).replace('encoding="UTF-8"', f'encoding="{encoding.removesuffix("-sig")}"')
    series = read(text.encode(encoding), name)
    assert (series.source, series.began) == ("Garmin TCX", BEGAN)
    assert (series.times.tolist(), series.bpm.tolist()) == ([0, 0.5, 1, 1.5, 2, 2.5, 3.5], [*BPM, 90])
    assert told(series, "1 of 8 values are 0 or missing")


def test_laps_may_repeat_a_point(read):
    points = [trackpoint(0, 70), trackpoint(1, 71), "</Track><Track>", trackpoint(1, 71), trackpoint(2, 72)]
    series = read(TCX.format("".join(points)), "a.tcx")
    assert series.bpm.tolist() == [70, 71, 72]
    assert told(series, "1 values are there twice")


ENTITIES = '<!DOCTYPE x [<!ENTITY a "70"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (TCX.format(trackpoint(0, 70))[:-40], "line 7: it is no valid XML .*may be cut short"),
        (TCX.format("<Trackpoint><Time>noon</Time></Trackpoint>"), "trackpoint 1: .*noon.* is no time and heart rate"),
        (TCX.format(trackpoint(0, 70).replace(">70<", ">fast<")), "trackpoint 2: .*fast"),
        (TCX.format(""), "has no trackpoints with a time"),
        (TCX.format(trackpoint(0, None)), "none of 1 values is a heart rate"),
        (TCX.format(trackpoint(0, 70)).replace("?>\n", f"?>\n{ENTITIES}\n", 1), "declares an XML entity"),
        (TCX.format(trackpoint(9, 70) + trackpoint(0, 70)), "time runs back by 9 s"),
    ],
)  # fmt: skip
def test_bad_tcx(read, content, message):
    with pytest.raises(ClipError, match=message) as caught:
        read(content, "a.tcx")
    assert "a.tcx" in caught.value.what


# ---- Apple Health

HEALTH = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE HealthData [
<!-- HealthKit Export Version: 14 -->
<!ELEMENT HealthData (ExportDate,Me,(Record|Correlation|Workout|ActivitySummary)*)>
<!ATTLIST HealthData locale CDATA #REQUIRED>
]>
<HealthData locale="en_US">
 <ExportDate value="2026-09-01 10:00:00 +0200"/>
 <Record type="HKQuantityTypeIdentifierStepCount" sourceName="iPhone" unit="count" startDate="2026-08-29 23:00:00 +0200" endDate="2026-08-29 23:09:00 +0200" value="500"/>
{}</HealthData>
"""  # noqa: E501


def health_record(seconds: int, bpm: float | str, source: str = "Anna&#8217;s Watch", unit: str = "count/min") -> str:
    time = (BEGAN + timedelta(seconds=seconds, hours=2)).strftime("%Y-%m-%d %H:%M:%S +0200")
    return (
        f' <Record type="HKQuantityTypeIdentifierHeartRate" sourceName="{source}" sourceVersion="11" '
        f'device="&lt;&lt;HKDevice: 0x28&gt;, name:Apple Watch&gt;" unit="{unit}" creationDate="{time}" '
        f'startDate="{time}" endDate="{time}" value="{bpm}">\n  <MetadataEntry key="M" value="0"/>\n </Record>\n'
    )


def health_beats(seconds: int, beats: list[tuple[int, str]]) -> str:
    return (
        health_record(seconds, 32.1, unit="ms")
        .replace("HeartRate", "HeartRateVariabilitySDNN")
        .removesuffix("</Record>\n")
        + "<HeartRateVariabilityMetadataList>"
        + "".join(f'<InstantaneousBeatsPerMinute bpm="{bpm}" time="{time}"/>' for bpm, time in beats)
        + "</HeartRateVariabilityMetadataList></Record>\n"
    )


@pytest.fixture
def health():
    return HEALTH.format("".join(health_record(5 * k, bpm) for k, bpm in enumerate(BPM)))


def test_apple_health(read, health):
    series = read(health, "export.xml")
    assert (series.source, series.began) == ("Apple Health", BEGAN)
    assert (series.times.tolist(), series.bpm.tolist()) == ([5 * k for k in range(6)], BPM)
    np.testing.assert_allclose(series.per_second(3, 4, 0)[0], [72, 72, 75, 75])


@pytest.mark.parametrize("name", ["export.xml", "Exportación.xml", "导出.xml"])
def test_apple_health_in_its_zip(tmp_path, health, name):
    with zipfile.ZipFile(tmp_path / "export.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"apple_health_export/{name}", health)
        archive.writestr("apple_health_export/export_cda.xml", "<ClinicalDocument/>")
        archive.writestr("apple_health_export/workout-routes/route.gpx", "<gpx/>")
    assert read_heart_rates(tmp_path / "export.zip").bpm.tolist() == BPM


def test_apple_health_of_several_devices(read):
    two = "".join(health_record(k, 60 + k) + health_record(k, 90, source="Strap") for k in range(4))
    text = HEALTH.format(two + health_record(4, 64))
    series = read(text, "export.xml")
    assert series.bpm.tolist() == [60, 61, 62, 63, 64]
    assert told(series, "of Anna’s Watch (5 values), Strap (4 values), Anna’s Watch is taken")
    assert read(text, "export.xml", device="Strap").bpm.tolist() == [90] * 4
    with pytest.raises(ClipError, match="has no values of 'Ring'"):
        read(text, "export.xml", device="Ring")


def test_apple_health_out_of_order_and_in_hz(read):
    series = read(HEALTH.format(health_record(5, 75) + health_record(0, 1.2, unit="count/s")), "export.xml")
    assert (series.times.tolist(), series.bpm.tolist()) == ([0, 5], [72, 75])


@pytest.mark.parametrize("form", ["12:00:{} AM", "00:00:{}", "11:00:{}\u202fPM", "5:30:{} AM", "17.45.{}"])
@pytest.mark.parametrize("decimal", [".", ","])
def test_apple_healths_beats_lie_within_their_record_in_any_zone_and_format(read, form, decimal):
    beats = [(60, 12.0), (75, 12.8), (100, 13.4)]  # each ends an interval of 60/bpm
    times = [(bpm, form.format(f"{second:05.2f}".replace(".", decimal))) for bpm, second in beats]
    text = health_beats(10, times)
    series = read(HEALTH.format(health_record(0, 65) + text + health_record(60, 66)), "export.xml")
    np.testing.assert_allclose(series.times, [0, 10, 11, 11.8, 60], atol=0.011)
    assert series.bpm.tolist() == [65, 60, 75, 100, 66]
    assert told(series, "3 beats")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEALTH.format(health_record(0, 70))[:-30], "it is no valid XML .*may be cut short"),
        (HEALTH.format(""), "has no heart rates"),
        (HEALTH.format(health_record(0, 70) + health_record(1, "fast")), "after 1 heart rates: a record is no time"),
        (HEALTH.format(health_record(0, 70, unit="1/h")), "unit '1/h'"),
        (HEALTH.format(health_record(0, 70).replace("startDate", "start")), "'startDate'"),
        (HEALTH.replace("<!ELEMENT", '<!ENTITY a "b"><!ELEMENT', 1).format(""), "line 4: it declares an XML entity"),
        (b"PK\3\4 cut", "is a damaged zip file"),
    ],
)  # fmt: skip
def test_bad_exports_of_apple_health(read, content, message):
    with pytest.raises(ClipError, match=message) as caught:
        read(content, "export.xml")
    assert "export.xml" in caught.value.what


def test_a_zip_that_is_damaged_within(tmp_path, health):
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("apple_health_export/export.xml", health * 20)
    good = path.read_bytes()
    for place in range(60, len(good) - 200, 40):
        path.write_bytes(good[:place] + bytes([good[place] ^ 0xFF]) + good[place + 1 :])
        with pytest.raises(ClipError, match=r"export\.zip"):
            read_heart_rates(path)


def test_a_zip_of_something_else(tmp_path):
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a.txt", "")
    with pytest.raises(ClipError, match="has 0 XML files"):
        read_heart_rates(tmp_path / "other.zip")


# ---- Fitbit


def fitbit(entries: list[tuple[str, float, int]]) -> str:
    return json.dumps([{"dateTime": t, "value": {"bpm": b, "confidence": c}} for t, b, c in entries], indent=2)


def test_fitbit_json(read):
    entries = [(f"08/29/26 22:00:0{k + 1}", bpm, 0 if k == 2 else 3) for k, bpm in enumerate(BPM)]
    series = read(fitbit(entries), "heart_rate-2026-08-29.json")
    assert (series.source, series.began) == ("Fitbit", BEGAN)
    assert (series.times.tolist(), series.bpm.tolist()) == ([0, 1, 2, 3, 4, 5], BPM)
    assert told(series, "1 of 6 values have confidence 0")
    assert read(fitbit(entries[::-1]), "a.json").bpm.tolist() == BPM


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "no list of heart rates"),
        ("{}", "no list of heart rates"),
        (fitbit([("08/29/26 22:00:01", 70, 1)])[:-20], "no valid JSON, or cut short"),
        ('[{"dateTime": "08/29/26 22:00:01", "value": "94"}]', "entry 1: .*has no dateTime"),
        ('[{"dateTime": "2026-08-29", "value": {"bpm": 70}}]', "entry 1: .*has no dateTime"),
        ("[1, 2]", "entry 1: 1 has no dateTime"),
        ("[" * 100_000, "no valid JSON"),
        (fitbit([("08/29/26 22:00:01", 0, 0)]), "they are all 0 or missing"),
    ],
)
def test_bad_json(read, content, message):
    with pytest.raises(ClipError, match=message) as caught:
        read(content, "a.json")
    assert "a.json" in caught.value.what


# ---- all


def test_every_format_gives_the_same_heart_rates_a_second(read, health):
    """Six values, one a second from 0 on: by hand 60 / (0.5 · 60/a + 0.5 · 60/b) half a second into each."""
    pytest.importorskip("fitdecode")
    a, b = np.array(BPM[:-1], float), np.array(BPM[1:], float)
    by_hand = 60 / (0.5 * 60 / a + 0.5 * 60 / b)
    clock = [f"2026-08-29T22:00:0{k + 1}Z" for k in range(6)]
    files = {
        "a.csv": "time,bpm\n" + "".join(f"{k},{bpm}\n" for k, bpm in enumerate(BPM)),
        "b.tsv": "time\tbpm\n" + "".join(f"{c}\t{bpm}\n" for c, bpm in zip(clock, BPM, strict=True)),
        "HR.csv": "1788040801.000000\n1.000000\n" + "".join(f"{bpm}.00\n" for bpm in BPM),
        "a.fit": fit_file([record(k, bpm) for k, bpm in enumerate(BPM)]),
        "a.tcx": TCX.format("".join(trackpoint(k, bpm) for k, bpm in enumerate(BPM))),
        "export.xml": HEALTH.format("".join(health_record(k, bpm) for k, bpm in enumerate(BPM))),
        "a.json": fitbit([(f"08/29/26 22:00:0{k + 1}", bpm, 3) for k, bpm in enumerate(BPM)]),
    }
    for name, content in files.items():
        rates, filled = read(content, name).per_second(0.5, 5, longest_gap=0)
        np.testing.assert_allclose(rates, by_hand, err_msg=name)
        assert filled == 0
