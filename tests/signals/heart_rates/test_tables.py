"""Tables as people and devices write them; each with its neighbours in encoding, delimiter, header and unit."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from device_files import BEGAN, BPM, INTERVALS, POLAR_FLOW, has_note

from painlit.errors import ClipError
from painlit.signals.heart_rates import read_heart_rates


@pytest.mark.parametrize(("delimiter", "decimal"), [(d, p) for d in ",;\t| " for p in ".," if d != p])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("header", [("time", "bpm"), ("Time(s)", "Herzfrequenz"), ("t", "Pulse"), None])
def test_plain_tables(read, delimiter, decimal, encoding, header):
    rows = [(f"{k + 0.5}", f"{bpm + 0.25}") for k, bpm in enumerate(BPM)]
    lines = [delimiter.join(cell.replace(".", decimal) for cell in row) for row in rows]
    text = "\r\n".join(([delimiter.join(header)] if header else []) + lines) + "\r\n\r\n"
    series = read(text.encode(encoding))
    np.testing.assert_allclose(series.times, np.arange(6) + 0.5)
    np.testing.assert_allclose(series.bpm, np.array(BPM) + 0.25)
    assert (series.kind, series.source, series.began) == ("bpm", "table", None)


@pytest.mark.parametrize(
    "name",
    [
        *("HR [bpm]", "heart_rate", "heartRate", "Heart Rate (bpm)", "BPM", "hr", "pulse_rate_bpm"),
        *("HF", "HF (S/min)", "Herzfrequenz (S/min)", "heart rate (1/min)"),
    ],
)
def test_names_of_heart_rates(read, name):
    series = read(
        f"comment,time,{name},resting heart rate,HR max\n" + "".join(f"x,{k},{b},50,190\n" for k, b in enumerate(BPM))
    )
    assert series.bpm.tolist() == BPM


def test_intervals_beside_times_of_an_unknown_name_are_refused(read):
    """Left out in silence, the intervals would follow each other from 0 s on, over whatever gaps the times have."""
    ends = [7.5, 8.25, 9.0, 20.5, 21.25, 22.0]
    text = "onset,RR\n" + "".join(f"{end},750\n" for end in ends)
    with pytest.raises(ClipError, match=r"its column 'onset' ascends as times do"):
        read(text)
    np.testing.assert_allclose(read(text.replace("onset", "time")).times + 0.75, ends)
    for other in (range(6), [3, 1, 2, 5, 4, 6], "abcdef"):  # numbers of the rows, values, words
        series = read("onset,RR\n" + "".join(f"{cell},750\n" for cell in other))
        np.testing.assert_allclose(series.times, np.arange(6) * 0.75)


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("time", [0, 1, 2, 3, 4, 5]),
        ("time [ms]", [0, 1000, 2000, 3000, 4000, 5000]),
        ("time", [0, 1000, 2000, 3000, 4000, 5000]),
        ("time_us", [0, 1e6, 2e6, 3e6, 4e6, 5e6]),
        ("sensor timestamp [ns]", [0, 1e9, 2e9, 3e9, 4e9, 5e9]),
        ("elapsed", ["00:00:00", "00:00:01", "00:00:02", "00:00:03", "00:00:04", "00:00:05"]),
        ("Time (min)", [0, 1 / 60, 2 / 60, 3 / 60, 4 / 60, 5 / 60]),
    ],
)
def test_relative_times(read, name, cells):
    series = read(f"{name},bpm\n" + "".join(f"{c},{b}\n" for c, b in zip(cells, BPM, strict=True)))
    np.testing.assert_allclose(series.times, range(6), atol=1e-9)
    assert series.began is None


@pytest.mark.parametrize(
    ("form", "zone"),
    [
        ("%Y-%m-%dT%H:%M:%SZ", UTC),
        ("%Y-%m-%dT%H:%M:%S.000+00:00", UTC),
        ("%Y-%m-%d %H:%M:%S +0000", UTC),
        ("%Y%m%dT%H%M%SZ", UTC),
        ("%Y-%m-%d %H:%M:%S", None),
        ("%Y-%m-%d %H:%M:%S,000", None),
        ("%d.%m.%Y %H:%M:%S", None),
        ("%d/%m/%Y %H:%M:%S", None),  # the 29th cannot be a month
        ("%m/%d/%Y %I:%M:%S %p", None),
        ("%m/%d/%y %H:%M:%S", None),
        ("%d-%m-%Y %H:%M:%S", None),
        ("%s", UTC),
        ("%s000", UTC),
        ("%s000000", UTC),
        ("%s000000000", UTC),
    ],
)
def test_clocks(read, form, zone):
    times = [BEGAN + timedelta(seconds=k) for k in range(6)]
    cells = [t.strftime(form.replace("%s", str(int(t.timestamp())))) for t in times]
    series = read("timestamp;heart_rate\n" + "".join(f"{c};{b}\n" for c, b in zip(cells, BPM, strict=True)))
    np.testing.assert_allclose(series.times, range(6), atol=1e-6)
    assert series.began == BEGAN.replace(tzinfo=zone)
    assert has_note(series, "no time zone") == (zone is None)


@pytest.mark.parametrize(("sign", "year", "month", "day"), [("/", 2026, 5, 8), (".", 2026, 8, 5), ("-", 2026, 8, 5)])
def test_dates_that_may_begin_with_day_or_month(read, sign, year, month, day):
    series = read("".join(f"05{sign}08{sign}2026 10:00:0{k};{b}\n" for k, b in enumerate(BPM)))
    assert series.began == datetime(year, month, day, 10)
    assert has_note(series, "are taken to begin with the")


@pytest.mark.parametrize("header", ["Date,Time,HR", "date,start_time,bpm"])
def test_date_and_time_in_two_columns(read, header):
    series = read(f"{header}\n" + "".join(f"2026-08-29,22:00:0{k + 1},{b}\n" for k, b in enumerate(BPM)))
    assert series.began == BEGAN.replace(tzinfo=None)
    np.testing.assert_allclose(series.times, range(6))


def test_times_of_day_pass_midnight(read):
    series = read("time,bpm\n" + "23:59:58,70\n23:59:59,71\n00:00:00,72\n00:00:01,73\n")
    assert series.times.tolist() == [0, 1, 2, 3]
    assert has_note(series, "midnight passes 1 times")
    assert has_note(series, "times of day")


def test_zones_and_the_summer_time_jump(read):
    zones = "2026-10-25T02:59:59+02:00,70\n2026-10-25T02:00:00+01:00,71\n2026-10-25T02:00:01+01:00,72\n"
    assert read("time,bpm\n" + zones).times.tolist() == [0, 1, 2]
    spring = (
        "".join(f"2026-03-29T01:59:5{k},70\n" for k in range(10)) + "2026-03-29T03:00:00,71\n2026-03-29T03:00:01,72\n"
    )
    series = read("time,bpm\n" + spring)
    assert series.times[-1] == 3611
    assert has_note(series, "jumps ahead by an hour after 2026-03-29T01:59:59 (summer time?)")
    autumn = (
        "".join(f"2026-10-25T02:59:5{k},70\n" for k in range(10)) + "2026-10-25T02:00:00,71\n2026-10-25T02:00:01,72\n"
    )
    with pytest.raises(ClipError, match="line 12: the clock is set back by an hour"):
        read("time,bpm\n" + autumn)


@pytest.mark.parametrize("unit", ["ms", "s"])
@pytest.mark.parametrize("header", ["RR-interval [ms]", "RR", "ibi_s", "NN interval (ms)", "IBI", None])
def test_intervals_alone(read, unit, header):
    values = INTERVALS if unit == "ms" else INTERVALS / 1000
    series = read((f"{header}\n" if header else "") + "".join(f"{value}\n" for value in values), "h10_rr.txt")
    np.testing.assert_allclose(series.ends - series.times, INTERVALS / 1000)
    np.testing.assert_allclose(series.ends, np.cumsum(INTERVALS) / 1000)
    assert series.kind == "intervals"
    assert has_note(series, f"the intervals are in {unit}")
    other = {"ms": "ibi_s", "s": "(ms) [ms]"}[unit]
    assert has_note(series, "though their column is") == (header is not None and header.split(" ")[-1] in other.split())


@pytest.mark.parametrize(("cells", "line"), [([812, 795, 0.83, 805], 4), ([0.812, 0.795, 0.83, 805], 5)])
def test_intervals_in_two_units(read, cells, line):
    with pytest.raises(ClipError, match=f"line {line}: the interval .* seems to be in m?s, most are in"):
        read("RR\n" + "".join(f"{cell}\n" for cell in cells))


@pytest.mark.parametrize("header", ["time,RR\n", "time_s;RR [ms]\n", ""])
def test_times_and_intervals(read, header):
    delimiter = ";" if ";" in header else ","
    beats = np.cumsum(INTERVALS) / 1000
    series = read(header + "".join(f"{t:.3f}{delimiter}{rr}\n" for t, rr in zip(beats, INTERVALS, strict=True)))
    np.testing.assert_allclose(series.ends, beats)
    np.testing.assert_allclose(series.bpm, 60_000 / INTERVALS)


BAD = {
    "empty": (b"", "is empty"),
    "blank": (b"\n\n  \n", "is empty"),
    "header only": (b"time,bpm\n", r"has a header \('time', 'bpm'\) and no values"),
    "header, blank rows": (b"time,bpm\n,\n,\n", r"has a header \('time', 'bpm'\) and no values"),
    "preamble only": (POLAR_FLOW.encode(), "and no values"),
    "wrong columns": (b"time,temperature\n0,36.6\n1,36.7\n", "no column of 'time', 'temperature' is a heart rate"),
    "no times": (b"subject,bpm\nA,70\nA,71\n", "no column of 'subject', 'bpm' is a time"),
    "no header, three columns": (b"0,70,1\n1,71,2\n", "it has 3 columns and no header"),
    "rates alone": (b"70\n71\n72\n", "it has heart rates without times"),
    "no heart's numbers": (b"0,3000000\n1,3000001\n", "neither heart rates nor inter-beat intervals"),
    "words": (b"time,bpm\n0,70\n1,fast\n2,71\n", "line 3: 'fast' is no number"),
    "a time that is none": (b"time,bpm\n0,70\nlater,71\n", "line 3: 'later' is not a number as the first time is"),
    "an impossible date": (b"time,bpm\n2026-02-30T10:00:00,70\n", "line 2: '2026-02-30T10:00:00' is not a time"),
    "zones for some": (b"time,bpm\n2026-02-03T10:00:00,70\n2026-02-03T10:00:01Z,71\n", "line 3: .* having a time zone"),
    "a value without time": (b"time,bpm\n0,70\n,71\n2,72\n", "line 3: the row has a value and no time"),
    "infinite time": (b"time,bpm\n0,70\ninf,71\n", "line 3: inf is no time"),
    "an open quote": (b'time,bpm\n0,70\n"1,71\n2,72\n', "line 3: .*quotation mark may never be closed"),
    "NUL padding": (b"time,bpm\n0,70\n1,7" + bytes(9) + b"\n2,71\n", "row 3: it is no text file, or damaged there"),
    "all zero": (b"time,bpm\n0,0\n1,0\n", "they are all 0 or missing"),
    "intervals called bpm": (b"time,bpm\n0,812\n0.8,795\n", "between 795 and 812\n.*intervals need a name"),
    "back in time": (b"time,bpm\n0,70\n1,71\n0.5,72\n9,73\n", r"line 4: time runs back by 0\.5 s"),
    "no text": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "it is no text file"),
    "empatica without values": (b"1788040801.000000\n1.000000\n", "a beginning and no values"),
    "empatica, cut in a value": (b"1788040801.000000, IBI\n83.503822,0.609403\n84.2,x\n", "line 3: 'x' is no number"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_tables(read, case):
    content, message = BAD[case]
    with pytest.raises(ClipError, match=message) as caught:
        read(content)
    assert "rates.csv" in caught.value.what
    assert caught.value.remedy


def test_a_cut_last_line_and_missing_cells(read):
    series = read("time,hr,device\n0,70,a\n1,--,a\n2,,a\n3,NaN,a\n4,72,a\n5,7")
    assert series.bpm.tolist() == [70, 72]
    assert has_note(series, "line 7, the last, is cut short and left out")
    assert has_note(series, "3 of 5 values are 0 or missing")


def test_missing_and_unreadable_files(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(ClipError, match="cannot be read"):
            read_heart_rates(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rates.xlsx", b"PK\3\4", "is a spreadsheet"),
        ("rates.fit.gz", b"\x1f\x8b\x08", "is a gzip file"),
        ("track.gpx", b'<?xml version="1.0"?>\n<gpx creator="x">', "XML of the kind gpx"),
    ],
)
def test_formats_that_are_not_read(read, name, content, message):
    with pytest.raises(ClipError, match=message):
        read(content, name)


@pytest.mark.parametrize(("name", "size"), [("unix_timestamp_in_us", 1e-6), ("Uhrzeit (s)", 1), ("time [h]", 3600)])
def test_names_and_units_of_times(read, name: str, size: float):
    start = 1_700_000_000 if "unix" in name else 0
    series = read("\n".join([f"{name},bpm", *(f"{(start + k) / size:.12g}" + f",{60 + k}" for k in range(9))]).encode())
    np.testing.assert_allclose(series.times, np.arange(9), atol=1e-4)


def test_a_power_is_no_heart_rate(read):
    with pytest.raises(ClipError, match="no column of 'time', 'LF', 'HF' is a heart rate"):
        read("\n".join(["time,LF,HF", *(f"{k},71,72" for k in range(9))]).encode())
