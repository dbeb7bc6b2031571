"""Text files as programs and spreadsheets export them: names, units and columns that no header row has."""

import numpy as np
import pytest

from painlit.errors import ClipError

N, RATE = 1024, 256
AT = np.arange(N) / RATE
ECG = np.round(np.exp(-(((AT % 0.8 - 0.4) / 0.02) ** 2)) + 0.1 * np.sin(9 * AT), 4)
COUNTS = np.round(512 + 200 * ECG).astype(int)


LABCHART = [
    "Interval=\t0.00390625 s",
    "ExcelDateTime=\t4.5000500000000000e+04\t2023-03-15 12:00:00",
    "TimeFormat=\tStartOfBlock",
    "DateFormat=\t",
    "ChannelTitle=\tECG\tRespiration",
    "Range=\t10.000 µV\t10.000 V",
]


def test_labchart(read):
    rows = [f"{t:.8f}\t{1000 * v:.2f}\t{np.sin(t):.5f}" for t, v in zip(AT, ECG, strict=True)]
    signal = read(*LABCHART, *rows)
    np.testing.assert_allclose(signal.values, ECG)
    assert (signal.rate, signal.lead, signal.unit) == (RATE, "ECG", "mV")
    with pytest.raises(ClipError, match=rf"row {len(LABCHART) + len(rows) + 1}: no number"):
        read(*LABCHART, *rows, *LABCHART, *rows)  # a second block


def test_labchart_without_times(read):
    signal = read(*LABCHART, *(f"{1000 * v:.2f}\t{t:.5f}" for t, v in zip(AT, ECG, strict=True)))
    np.testing.assert_allclose(signal.values, ECG)
    assert (signal.rate, signal.lead) == (RATE, "ECG")


OPENSIGNALS = [
    "# OpenSignals Text File Format",
    '# {"20:16": {"sensor": ["EMG", "ECG"], "column": ["nSeq", "I1", "A1", "A2"], "time": "14:17:59.500", '
    '"channels": [1, 2], "sampling rate": 256, "label": ["A1", "A2"], "resolution": [4, 1, 10, 10]}}',
    "# EndOfHeader",
]


def test_opensignals(read):
    signal = read(*OPENSIGNALS, *(f"{k % 16}\t0\t{k % 7}\t{count}\t" for k, count in enumerate(COUNTS)))
    np.testing.assert_array_equal(signal.values, COUNTS)
    assert (signal.rate, signal.lead, signal.unit) == (256, "ECG", "counts")


def test_acqknowledge_names_its_channels_above(read):
    head = ["rest.acq", "4 msec/sample", "2 channels", "ECG100C", "mV", "RSP100C", "Volts"]
    rows = [f"{k / 15000:.7f},{v},0.5," for k, v in enumerate(ECG)]
    signal = read(*head, "min,CH1,CH2,", f",{N},{N},", *rows)
    np.testing.assert_array_equal(signal.values, ECG)
    assert (signal.rate, signal.lead, signal.unit) == (250, "ECG100C", "mV")
    assert not any("amplitude" in note or "named ECG" in note for note in signal.notes)


@pytest.mark.parametrize("words", [("Lead", "Unit"), ("Ableitung", "Einheit")])
def test_a_watch_names_lead_and_unit(read, words):
    signal = read(
        f"{words[0]},Lead I", "Sample Rate,512 hertz", f"{words[1]},µV", "", *(f"{1000 * v:.3f}" for v in ECG)
    )
    np.testing.assert_allclose(signal.values, ECG)
    assert (signal.rate, signal.lead, signal.unit) == (512, "Lead I", "mV")


@pytest.mark.parametrize("form", ["{}", "[{}]", "({})", '"({})"'])
def test_units_in_a_row_of_their_own(read, form: str):
    units = ",".join(form.format(unit) for unit in ("s", "uV", "uS"))
    signal = read("Time,ECG I,GSR", units, *(f"{t},{1000 * v:.2f},2" for t, v in zip(AT, ECG, strict=True)))
    np.testing.assert_allclose(signal.values, ECG)
    assert (signal.lead, signal.unit) == ("ECG I", "mV")
    assert any("times in s by the name" in note for note in signal.notes)


def test_a_header_without_the_last_delimiter_of_the_rows(read):
    """As Shimmer writes it, below a line that states the delimiter."""
    signal = read(
        '"sep=\t"',
        "Shimmer_Timestamp_Unix_CAL\tShimmer_ECG_LL-RA_24BIT_CAL\tShimmer_ECG_Status",
        "ms\tmV\tno_units",
        *(f"{1678878000000 + 1000 * t:.4f}\t{v}\t{k % 7}\t" for k, (t, v) in enumerate(zip(AT, ECG, strict=True))),
        lead="Shimmer_ECG_LL-RA_24BIT_CAL",
    )
    np.testing.assert_array_equal(signal.values, ECG)
    assert (signal.rate, signal.unit) == (RATE, "mV")
