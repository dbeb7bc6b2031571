"""Whether rows such as `0,12` without a header are one column or two."""

from pathlib import Path

import numpy as np
import pytest

from painlit.errors import ClipError
from painlit.signals.heart_rates import read_heart_rates

N, RATE = 1024, 256
AT = np.arange(N) / RATE
ECG = np.round(np.exp(-(((AT % 0.8 - 0.4) / 0.02) ** 2)) + 0.1 * np.sin(9 * AT), 4)
COMMAS = [f"{v:.4f}".replace(".", ",") for v in ECG]
COUNTS = np.round(512 + 200 * ECG).astype(int)


def test_one_column_of_decimal_commas_without_a_header(read):
    for above in ([], [f"Abtastrate: {RATE} Hz"], ["# a comment"]):
        signal = read(*above, *COMMAS, rate=RATE)
        np.testing.assert_array_equal(signal.values, ECG)
        assert signal.unit == "mV"


def test_two_columns_of_whole_numbers_stay_two(read):
    rows = [f"{4 * k},{count}" for k, count in enumerate(COUNTS)]
    signal = read(*rows)
    np.testing.assert_array_equal(signal.values, COUNTS)
    assert signal.rate == 250


def test_rows_that_may_be_either_are_refused_with_both_readings(read):
    with pytest.raises(ClipError, match=r"(?s)'0,\d{3}' may be one column with decimal commas, or two.*header"):
        read(*(f"0,{count}" for count in COUNTS), rate=RATE)
    assert read("ecg", *(f"0,{count}" for count in COUNTS), rate=RATE).values.max() < 1


@pytest.mark.parametrize("above", [[], ["# RR intervals"], ["RR"]])
def test_intervals_with_decimal_commas_alone(tmp_path: Path, above):
    path, intervals = tmp_path / "rr.txt", [0.831, 0.797, 0.844, 1.031, 0.836, 0.867, 0.9] * 4
    path.write_text("\n".join([*above, *(f"{value:.3f}".replace(".", ",") for value in intervals)]) + "\n")
    series = read_heart_rates(path)
    np.testing.assert_allclose(np.sort(series.bpm), np.sort(60 / np.array(intervals)))


def test_times_and_heart_rates_as_whole_numbers_stay_two_columns(tmp_path: Path):
    path = tmp_path / "hr.txt"
    path.write_text("".join(f"{k},{60 + k % 9}\n" for k in range(30)))
    assert read_heart_rates(path).bpm[:3].tolist() == [60, 61, 62]
