"""Apple Health's export, in its zip or out of it."""

import zipfile

import numpy as np
import pytest
from device_files import BEGAN, BPM, HEALTH, has_note, health_beats, health_record

from painlit.errors import ClipError
from painlit.signals.heart_rates import read_heart_rates


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
    assert has_note(series, "of Anna’s Watch (5 values), Strap (4 values), Anna’s Watch is taken")
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
    assert has_note(series, "3 beats")


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
