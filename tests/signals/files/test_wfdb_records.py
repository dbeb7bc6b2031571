"""WFDB records as ECG files: several segments, gaps, channels of their own rates."""

from pathlib import Path

import numpy as np
import pytest
import wfdb

from painlit.errors import ClipError
from painlit.signals.files import read_ecg

RATE = 250


def write(folder: Path, name: str, **signals: np.ndarray) -> None:
    names, columns = [*signals], np.stack([*signals.values()], axis=1)
    options = {"fs": RATE, "units": ["mV"] * len(names), "sig_name": names, "fmt": ["16"] * len(names)}
    wfdb.wrsamp(
        name,
        p_signal=columns,
        adc_gain=[1000.0] * len(names),
        baseline=[0] * len(names),
        write_dir=str(folder),
        **options,
    )


def wave(n: int, first: int = 0) -> np.ndarray:
    return np.round(np.sin((first + np.arange(n)) / 9), 3)


@pytest.fixture
def variable(tmp_path: Path) -> Path:
    """II for 4 s, nothing for 2 s, V for 3 s, II for 2 s: a record of variable layout."""
    write(tmp_path, "s_1", II=wave(1000))
    write(tmp_path, "s_2", V=wave(750, 1500))
    write(tmp_path, "s_3", II=wave(500, 2250))
    layout = "s_layout 2 250 0\n~ 0 1000/mV 16 0 0 0 0 II\n~ 0 1000/mV 16 0 0 0 0 V\n"
    (tmp_path / "s_layout.hea").write_text(layout)
    (tmp_path / "v.hea").write_text("v/5 2 250 2750\ns_layout 0\ns_1 1000\n~ 500\ns_2 750\ns_3 500\n")
    return tmp_path / "v.hea"


def test_a_variable_layout_has_gaps_where_a_lead_was_not_recorded(variable):
    signal = read_ecg(variable, lead="ii")
    assert (signal.rate, signal.values.size, signal.gaps) == (RATE, 2750, ((1000, 2250),))
    np.testing.assert_allclose(signal.between(0, 4).values, wave(1000), atol=1e-9)
    np.testing.assert_allclose(signal.between(9, 2).values, wave(500, 2250), atol=1e-9)
    with pytest.raises(ClipError, match=r"v\.hea: 375 of the 1375 samples from 0 s on are missing"):
        signal.between(0, 5.5)
    late = read_ecg(variable, lead="V")
    assert (late.start, late.values.size) == (6, 750)
    assert any("samples lack at its beginning" in note for note in late.notes)


@pytest.mark.parametrize("name", ["v.hea", "v"])
def test_a_record_is_named_with_or_without_suffix(name, variable):
    assert read_ecg(variable.with_name(name), lead="II").values.size == 2750


@pytest.mark.parametrize("file", ["s_2.dat", "s_2.hea", "s_layout.hea"])
def test_a_missing_part_is_named(file, variable):
    variable.with_name(file).unlink()
    with pytest.raises(ClipError, match=file.replace(".", r"\.") + " is missing"):
        read_ecg(variable)


def test_a_fixed_layout_is_joined(variable):
    variable.write_text("v/2 1 250 1500\ns_1 1000\ns_3 500\n")
    signal = read_ecg(variable)
    np.testing.assert_allclose(signal.values, np.r_[wave(1000), wave(500, 2250)], atol=1e-9)
    assert any("2 segments" in note for note in signal.notes)


@pytest.mark.parametrize("gap", [(100, 105), (0, 3), (995, 1000), (300, 400)])
def test_samples_marked_as_missing_are_gaps(gap, tmp_path):
    ecg = wave(1000)
    ecg[slice(*gap)] = np.nan
    write(tmp_path, "a", II=ecg)
    signal = read_ecg(tmp_path / "a.dat")
    assert np.isfinite(signal.values).all()
    there = np.flatnonzero(np.isfinite(ecg))
    assert signal.start == there[0] / RATE
    assert signal.gaps == ((gap,) if gap[0] > 0 and gap[1] < 1000 else ())


def test_a_record_without_a_sample_is_named(tmp_path):
    write(tmp_path, "a", II=np.full(1000, np.nan))
    with pytest.raises(ClipError, match=r"a\.hea: its ECG has 0 rows"):
        read_ecg(tmp_path / "a.hea")


def test_a_faster_channel_keeps_its_own_rate(tmp_path):
    (tmp_path / "a.hea").write_text(
        "a 2 125 500\na.dat 16x4 1000(0)/mV 16 0 0 0 0 II\na.dat 16 1000(0)/NU 16 0 0 0 0 RESP\n"
    )
    fast, slow = np.round(1000 * wave(2000)).astype("<i2"), np.arange(500, dtype="<i2")
    np.c_[fast.reshape(500, 4), slow].astype("<i2").tofile(tmp_path / "a.dat")
    signal = read_ecg(tmp_path / "a.hea")
    assert (signal.rate, signal.lead) == (500, "II")
    np.testing.assert_allclose(signal.values, wave(2000), atol=1e-9)


def test_a_signal_cut_short_is_named(tmp_path):
    write(tmp_path, "a", II=wave(1000))
    content = (tmp_path / "a.dat").read_bytes()
    (tmp_path / "a.dat").write_bytes(content[:1000])
    with pytest.raises(ClipError, match=r"a: .*(cannot be read|samples)"):
        read_ecg(tmp_path / "a")


@pytest.mark.parametrize("text", ["", "#\n", "a\n", "a x y\n", "a 1 250 100\n", "a/2 1 250 100\n", "\0" * 99])
def test_a_damaged_header_is_named(text, tmp_path):
    (tmp_path / "a.hea").write_text(text)
    with pytest.raises(ClipError, match=r"a\.hea"):
        read_ecg(tmp_path / "a.hea")


def test_the_case_of_two_segments(shared_data):
    (folder,) = (shared_data / "cases").glob("24-*")
    signal = read_ecg(folder / "m.hea")
    whole = wfdb.rdrecord(str(folder / "m")).p_signal[:, 0]
    np.testing.assert_array_equal(signal.values, whole)
