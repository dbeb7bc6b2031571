"""Dates and units of times in text."""

import numpy as np
import pytest

from painlit.errors import ClipError

N, RATE = 1024, 256
AT = np.arange(N) / RATE
ECG = np.round(np.exp(-(((AT % 0.8 - 0.4) / 0.02) ** 2)) + 0.1 * np.sin(9 * AT), 4)


@pytest.mark.parametrize(("unit", "size"), [("h", 3600), ("min", 60), ("days", 86400)])
def test_times_in_hours_and_days(read, unit: str, size: float):
    signal = read(f"Time [{unit}],ECG", *(f"{t / size:.12f},{v}" for t, v in zip(AT, ECG, strict=True)))
    assert signal.rate == RATE
    assert any(f"times in {unit} by the name" in note for note in signal.notes)


ISO, GERMAN, US, SLASHES = (
    "%Y-%m-%dT%H:%M:%S.%f",
    "%d.%m.%Y %H:%M:%S,%f",
    "%m/%d/%Y %I:%M:%S.%f %p",
    "%d/%m/%Y %H:%M:%S.%f",
)


def dated(form: str, *starts: str) -> list[str]:
    """Rows from each start on, of half the ECG each."""
    half = N // len(starts)
    times = [np.datetime64(start, "us") + np.round(1e6 * AT[:half]).astype("timedelta64[us]") for start in starts]
    cells = [time.item().strftime(form) for part in times for time in part]
    return ["time;ecg", *(f"{cell};{v}" for cell, v in zip(cells, ECG, strict=True))]


@pytest.mark.parametrize("form", [ISO, f"{ISO}Z", f"{ISO}+01:00", GERMAN, US, SLASHES, "%d-%b-%Y %H:%M:%S.%f"])
def test_dates_are_read(read, form: str):
    two_days = dated(form, "2023-03-15T23:59:58", "2023-03-16T00:00:00")
    np.testing.assert_array_equal(read(*two_days).values, ECG)
    assert read(*two_days).rate == RATE
    with pytest.raises(ClipError, match=rf"row {N // 2 + 2}: time jumps by 172800 s"):
        read(*dated(form, "2023-03-15T23:59:58", "2023-03-18T00:00:00"))
    with pytest.raises(ClipError, match=rf"row {N // 2 + 2}: time .* comes after"):
        read(*dated(form, "2023-03-15T10:00:00", "2023-03-14T10:00:02"))


@pytest.mark.parametrize("form", ["%d/%m/%Y %H:%M:%S.%f", "%m/%d/%Y %H:%M:%S.%f"])
def test_day_and_month_in_either_order(read, form: str):
    np.testing.assert_array_equal(read(*dated(form, "2023-03-04T23:59:58", "2023-03-05T00:00:00")).values, ECG)


def test_dates_in_a_column_of_their_own(read):
    def lines(second: str) -> list[str]:
        rows = dated("%d.%m.%Y;%H:%M:%S,%f", "2023-03-15T23:59:58", second)
        return ["Date;Time;ECG", *rows[1:]]

    np.testing.assert_array_equal(read(*lines("2023-03-16T00:00:00")).values, ECG)
    with pytest.raises(ClipError, match="time jumps by 172800 s"):
        read(*lines("2023-03-18T00:00:00"))


@pytest.mark.parametrize("form", [ISO, GERMAN, "%H:%M:%S.%f"])
def test_a_cell_that_is_no_time_is_named(read, form: str):
    rows = dated(form, "2023-03-15T10:00:00")
    rows[300] = "soon;0.5"
    with pytest.raises(ClipError, match=r"row 301: no number \('soon'\)"):
        read(*rows)
