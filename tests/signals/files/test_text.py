"""Text tables as people and devices write them."""

import time
from pathlib import Path

import numpy as np
import pytest

from painlit.errors import ClipError
from painlit.signals.files import read_ecg

N, RATE = 1024, 256
AT = np.arange(N) / RATE
ECG = np.round(np.exp(-(((AT % 0.8 - 0.4) / 0.02) ** 2)) + 0.1 * np.sin(AT), 4)


def table(header="time,ecg", delimiter=",", times=AT, values=ECG, end="\n") -> str:
    lines = [f"{t:.10g}{delimiter}{v:.4f}" for t, v in zip(times, values, strict=True)]
    return "\n".join([*([header] if header else []), *lines]) + end


@pytest.fixture
def read(tmp_path: Path):
    """Reads a text, or bytes, as a file."""

    def reading(text: str | bytes, rate=None, name="a.csv", **more):
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read_ecg(path, rate, **more)

    return reading


PLAIN = table()
SAME = {
    "plain": PLAIN,
    "tabs": table("time\tecg", "\t"),
    "semicolons": table("time;ecg", ";"),
    "bars": table("time|ecg", "|"),
    "blanks": table("time  ecg", "   "),
    "leading blanks": "\n".join("   " + line for line in table("time ecg", "  ").splitlines()),
    "comma and blank": table("time, ecg", ", "),
    "semicolons, decimal commas": table("time;ecg", ";").replace(".", ","),
    "blanks, decimal commas": table("time ecg", "  ").replace(".", ","),
    "quoted decimal commas": '"time","ecg"\n'
    + "\n".join(f'"{t:.8f}","{v}"' for t, v in zip(AT, ECG, strict=True)).replace(".", ","),
    "quoted": '"Time","ECG"\n' + "\n".join(f'"{t}","{v}"' for t, v in zip(AT, ECG, strict=True)),
    "upper case": table("TIME,ECG"),
    "byte order mark": "\ufeff" + PLAIN,
    "UTF-16": PLAIN.encode("utf-16"),
    "UTF-16 LE without mark": PLAIN.encode("utf-16-le"),
    "UTF-16 BE without mark": PLAIN.encode("utf-16-be"),
    "Latin-1": table("time,ecg,m\xfcde").replace("\n", ",1\n").replace("\xfcde,1", "\xfcde").encode("latin-1"),
    "Windows lines": PLAIN.replace("\n", "\r\n"),
    "old Macintosh lines": PLAIN.replace("\n", "\r"),
    "blank last lines": PLAIN + "\n\n  \n",
    "spreadsheet's empty rows": PLAIN + ",\n,\n",
    "no last line end": PLAIN.rstrip("\n"),
    "comments above": "# from a device\n% rate unknown\n// by me\n" + PLAIN,
    "header in a comment": "# time,ecg\n" + table(""),
    "comment within": PLAIN.replace("\n0.5,", "\n# a marker\n0.5,"),
    "blank line within": PLAIN.replace("\n0.5,", "\n\n0.5,"),
    "sep line": "sep=,\n" + PLAIN,
    "units line": "'time','MLII'\n'seconds','mV'\n" + table(""),
    "no header": table(""),
    "milliseconds by size": table(times=1000 * AT),
    "milliseconds by name": table("Time [ms],ECG", times=1000 * AT),
    "microseconds": table("timestamp_us,ecg", times=np.round(1e6 * AT)),
    "nanoseconds": table("sensor timestamp [ns];ecg [mV]", ";", times=np.round(1e9 * AT)),
    "epoch": "\n".join(["timestamp,ecg", *(f"{1700000000 + t:.6f},{v}" for t, v in zip(AT, ECG, strict=True))]),
    "index": "\n".join([",time,ecg", *(f"{k},{t},{v}" for k, (t, v) in enumerate(zip(AT, ECG, strict=True)))]),
    "other channels": "\n".join(["time,gsr,ecg,emg", *(f"{t},2,{v},7.5" for t, v in zip(AT, ECG, strict=True))]),
    "trailing delimiter": "time,ecg,\n" + table("").replace("\n", ",\n"),
    "words beside": "time,ecg,label\n" + table("").replace("\n", ",rest\n"),
    "exponents": "\n".join(["time,ecg", *(f"{t:.6e},{v:.4e}" for t, v in zip(AT, ECG, strict=True))]),
}


@pytest.mark.parametrize("kind", SAME)
def test_the_same_table_in_another_format_is_the_same_ecg(kind, read):
    signal = read(SAME[kind])
    np.testing.assert_allclose(signal.values, ECG, atol=1e-12)
    assert (signal.rate, signal.start) == (RATE, 0)


CLOCK = [
    f"{10 + (59 * 60 + 58 + int(t)) // 3600}:{(59 + (58 + int(t)) // 60) % 60:02d}:{(58 + int(t)) % 60:02d}" for t in AT
]


@pytest.mark.parametrize(
    "form",
    [
        "2021-03-03T{}.{:06d}",
        "2021-03-03 {}.{:06d}+01:00",
        "{}.{:06d}",
        "14/02/2013 {}.{:06d}",
        "[{}.{:06d} 14/02/2013]",
    ],
)
def test_times_of_day_count_from_the_first_row(form, read):
    rows = [f"{form.format(c, round(1e6 * (t % 1)))};{v}" for c, t, v in zip(CLOCK, AT, ECG, strict=True)]
    signal = read("\n".join(["time;ecg", *rows]))
    assert (signal.rate, signal.start) == (RATE, 0)
    np.testing.assert_array_equal(signal.values, ECG)
    assert any("times of day" in note for note in signal.notes)


def test_times_go_on_past_midnight(read):
    at = (86400 - 2 + AT) % 86400
    clock = [f"{int(t // 3600):02d}:{int(t // 60 % 60):02d}:{t % 60:09.6f}" for t in at]
    assert read("\n".join(["time;ecg", *(f"{c};{v}" for c, v in zip(clock, ECG, strict=True))])).rate == RATE


def test_a_watch_that_names_its_rate_above_the_numbers(read):
    head = (
        'Name,Somebody\nRecorded Date,2023-01-01 10:00:00 +0100\nSample Rate,"512 hertz"\n\n\nLead,Lead I\nUnit,µV\n\n'
    )
    signal = read(head + "\n".join(f"{1000 * v:.3f}" for v in ECG))
    assert (signal.rate, signal.lead, signal.unit) == (512, "Lead I", "mV")
    np.testing.assert_allclose(signal.values, ECG)


def test_key_value_lines_above_are_no_header(read):
    head = "Interval=\t0.00390625 s\nChannelTitle=\tECG\nRange=\t10.000 mV\n"
    signal = read(head + table("", "\t"), name="a.txt")
    assert signal.rate == RATE
    np.testing.assert_array_equal(signal.values, ECG)


@pytest.mark.parametrize("line", ["0.5 msec/sample", "Interval=\t0.0005 s", "# {'sampling rate': 2000}", "fs: 2000,0"])
def test_other_ways_to_say_the_rate(line, read):
    assert read(f"{line}\nECG\n" + "\n".join(map(str, ECG))).rate == 2000


@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_acqknowledges_row_of_counts_is_no_sample(delimiter, read):
    """It stands between the header and the samples, and was the first of them: a spike of as many mV."""
    head = ["rest.acq", "4 msec/sample", "2 channels", "ECG100C", "mV", "RSP100C", "Volts", "min,CH1,CH2,"]
    rows = [f",{len(ECG)},{len(ECG)},", *(f"{k / 15000:.6f},{v},0.5," for k, v in enumerate(ECG))]
    signal = read("\n".join([*head, *rows]).replace(",", delimiter))
    np.testing.assert_array_equal(signal.values, ECG)
    assert (signal.rate, signal.start) == (250, 0)


def test_one_column_needs_a_rate_and_takes_decimal_commas(read):
    rows = "\n".join(map(str, ECG))
    with pytest.raises(ClipError, match=r"(?s)a\.csv states no sampling rate.*signals\.rate"):
        read("ecg\n" + rows)
    np.testing.assert_array_equal(read("ecg\n" + rows, 256).values, ECG)
    np.testing.assert_array_equal(read("ecg\n" + rows.replace(".", ","), 256).values, ECG)


def test_a_column_that_counts_is_no_clock(read):
    with pytest.raises(ClipError, match="states no sampling rate"):
        read(table("sample,ecg", times=np.arange(N)))
    with pytest.raises(ClipError, match=r"(?s)names no unit.*time_ms"):
        read(table("time,ecg", times=np.arange(N)))
    assert read(table("sample,ecg", times=np.arange(N)), 300).rate == 300
    assert read(table("time_ms,ecg", times=np.arange(N))).rate == 1000


@pytest.mark.parametrize("unit", [("ECG (mV)", 1), ("ecg_uV", 1e-3), ("EKG [µV]", 1e-3), ("ecg (V)", 1e3)])
def test_a_unit_in_the_header_is_converted(unit, read):
    signal = read(table(f"time,{unit[0]}"))
    np.testing.assert_allclose(signal.values, unit[1] * ECG)
    assert signal.unit == "mV"


@pytest.mark.parametrize(("factor", "unit"), [(1, "mV"), (1e-3, "V"), (999.5, "µV"), (123456.789, "unknown")])
def test_a_unit_that_only_the_amplitude_suggests_changes_nothing(factor, unit, read):
    rows = "\n".join(f"{t},{factor * v:.12g}" for t, v in zip(AT, ECG, strict=True))
    signal = read("time,ecg\n" + rows)
    np.testing.assert_allclose(signal.values, factor * ECG, rtol=1e-9)
    assert signal.unit == unit
    assert any(f"suggests {unit}" in note for note in signal.notes)


@pytest.mark.parametrize("cell", ["x", "1,5", "inf", "-Infinity", "1.2.3", "0x10"])
def test_what_is_no_number_is_named_with_its_row(cell, read):
    lines = table("time\tecg", "\t").splitlines()
    lines[300] = lines[300].split("\t")[0] + "\t" + cell
    with pytest.raises(ClipError, match=r"a\.csv, row 301: no number .* in column ecg"):
        read("\n".join(lines))
    with pytest.raises(ClipError, match=r"row 303: no number"):
        read("# device\n\n" + "\n".join(lines))
    with pytest.raises(ClipError, match=r"row 302: no number"):
        read("\n".join([*lines[:9], "", *lines[9:]]))


@pytest.mark.parametrize("cell", ["", "nan", "NA"])
def test_an_empty_cell_is_a_missing_sample(cell, read):
    lines = PLAIN.splitlines()
    for k in (300, 301, 302):
        lines[k] = lines[k].split(",")[0] + "," + cell
    signal = read("\n".join(lines))
    assert signal.gaps == ((299, 302),)
    assert any("3 samples lack in 1 gaps" in note for note in signal.notes)
    kept = np.delete(np.arange(N), [299, 300, 301])
    np.testing.assert_array_equal(signal.values[kept], ECG[kept])
    np.testing.assert_allclose(signal.values[299:302], np.interp([299, 300, 301], kept, ECG[kept]))


@pytest.mark.parametrize("row", [2, 100, N])
def test_an_open_quote_is_named(row, read):
    lines = PLAIN.splitlines()
    lines[row - 1] = '"' + lines[row - 1]
    with pytest.raises(ClipError, match=rf"row {row}: a quote is never closed"):
        read("\n".join(lines))


def test_a_row_of_too_many_cells_is_named(read):
    lines = PLAIN.splitlines()
    lines[500] += ",1,2"
    with pytest.raises(ClipError, match=r"a\.csv, row 501: 4 cells, not 2"):
        read("\n".join(lines))


def test_decimal_commas_between_commas_are_refused(read):
    text = "time,ecg\n" + table("", ";").replace(".", ",").replace(";", ",")
    with pytest.raises(ClipError, match=r"(?s)row 1 names 2 columns, the rows below have \d.*quotes"):
        read(text)


@pytest.mark.parametrize("padding", [1, 512, 4096])
def test_nul_bytes_at_the_end_are_noted_and_the_row_they_cut_is_left_out(padding, read):
    text = PLAIN.encode()
    cut = text[: text.index(b"\n3.5,") + 7]
    signal = read(cut + bytes(padding))
    np.testing.assert_array_equal(signal.values, ECG[: round(3.5 * RATE)])
    assert any(f"{padding} NUL bytes at the end" in note for note in signal.notes)


def test_nul_bytes_within_are_named(read):
    lines = PLAIN.encode().split(b"\n")
    lines[99] = bytes(20)
    with pytest.raises(ClipError, match=r"a\.csv, row 100: it is no text file, or damaged"):
        read(b"\n".join(lines))


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"time,ecg\n", b"hello world\nno numbers here\n", bytes(4096), b"#\n"]
)
def test_nothing_to_read_is_named(content, read):
    with pytest.raises(ClipError, match=r"a\.csv.*(0 rows|empty)"):
        read(content)


def test_random_bytes_give_no_traceback(read):
    generator = np.random.default_rng(0)
    for size in (3, 40, 700, 5000):
        with pytest.raises(ClipError, match=r"a\.csv"):
            read(generator.integers(0, 256, size, np.uint8).tobytes(), 256)


def test_damaged_text_gives_no_traceback(read):
    generator = np.random.default_rng(1)
    for _ in range(40):
        damaged = bytearray(PLAIN.encode())
        for at in generator.integers(0, 600, 4):
            damaged[at] = generator.integers(32, 127)
        try:
            read(bytes(damaged))
        except ClipError:
            continue


def test_leads_are_recognised_by_name(read):
    rows = [f"{t},{v},{2 * v},0.1,3" for t, v in zip(AT, ECG, strict=True)]
    signal = read("\n".join(["time,I,II,emg,resp", *rows]), lead="ii")
    np.testing.assert_array_equal(signal.values, 2 * ECG)
    assert signal.lead == "II"
    with pytest.raises(ClipError, match=r"no lead 'V5'; it has I, II, emg, resp"):
        read("\n".join(["time,I,II,emg,resp", *rows]), lead="V5")
    with pytest.raises(ClipError, match=r"no ECG by its names: emg, gsr"):
        read("\n".join(["time,emg,gsr", *(f"{t},1,2" for t in AT)]))


def test_of_several_leads_the_best_is_taken_and_noted(read):
    noise = np.random.default_rng(0).normal(size=N)
    rows = [f"{t},{n},{v}" for t, n, v in zip(AT, noise, ECG, strict=True)]
    for names in ("I,II", "a,b"):
        signal = read(f"time,{names}\n" + "\n".join(rows))
        np.testing.assert_array_equal(signal.values, ECG)
        assert any(f"lead {names[-2:].strip(',')} taken" in note for note in signal.notes)
    assert read("\n".join(rows), lead="2").values[5] == ECG[5], "nameless columns are counted, times aside"


@pytest.mark.slow
def test_an_hour_at_1_khz_takes_seconds(tmp_path):
    path, n = tmp_path / "hour.csv", 3_600_000
    with open(path, "w", encoding="utf-8") as handle:
        handle.write("time,ecg,emg\n")
        handle.writelines(f"{k / 1000:.3f},{ECG[k % N]:.4f},0.001\n" for k in range(n))
    start = time.perf_counter()
    signal = read_ecg(path)
    assert (signal.rate, signal.values.size) == (1000, n)
    assert time.perf_counter() - start < 30
