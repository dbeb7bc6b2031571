"""One ECG in every format, unit, rate and polarity: its R peaks are at the same times."""

import contextlib
from fractions import Fraction
from pathlib import Path

import edfio
import numpy as np
import pytest
import wfdb
from numpy.typing import NDArray
from scipy.io import savemat
from scipy.signal import resample_poly

from painlit.errors import ClipError
from painlit.signals import pan_tompkins
from painlit.signals.files import EcgSignal, read_ecg

RATES = (256, 512, 1000)
UNITS = {"µV": 1e3, "mV": 1.0, "V": 1e-3}  # of one mV
SECONDS = 60


@pytest.fixture(scope="module")
def real(shared_data: Path) -> dict[int, NDArray[np.float64]]:
    """A minute of MIT-BIH record 103 in mV, by rate."""
    ecg = wfdb.rdrecord(str(shared_data / "mitdb" / "103"), channels=[0], sampto=360 * SECONDS).p_signal[:, 0]
    ratios = {rate: Fraction(rate, 360) for rate in RATES}
    return {rate: resample_poly(ecg, r.numerator, r.denominator) for rate, r in ratios.items()}


def as_csv(path: Path, ecg, rate: int, unit: str) -> Path:
    lines = [f"{k / rate:.6f},{value:.9g}" for k, value in enumerate(ecg)]
    path = path.with_suffix(".csv")
    path.write_text("\n".join([f"time (s),ECG ({unit})", *lines, ""]), encoding="utf-8")
    return path


def as_tsv_with_commas(path: Path, ecg, rate: int, unit: str) -> Path:
    lines = [f"{1000 * k / rate:.4f}\t{value:.9g}".replace(".", ",") for k, value in enumerate(ecg)]
    path = path.with_suffix(".tsv")
    path.write_text("\r\n".join([f"Zeit [ms]\tEKG [{unit}]", *lines]), encoding="latin-1")
    return path


def as_edf(path: Path, ecg, rate: int, unit: str, bdf: bool = False) -> Path:
    make, whole = (edfio.BdfSignal, edfio.Bdf) if bdf else (edfio.EdfSignal, edfio.Edf)
    path = path.with_suffix(".bdf" if bdf else ".edf")
    unit = unit.replace("µ", "u")
    signals = [make(ecg, rate, label="ECG II", physical_dimension=unit), make(0 * ecg + 1, rate, label="EMG")]
    whole(signals, annotations=[edfio.EdfAnnotation(1, None, "stimulus")]).write(path)
    return path


def as_bdf(path: Path, ecg, rate: int, unit: str) -> Path:
    return as_edf(path, ecg, rate, unit, bdf=True)


def as_wfdb(path: Path, ecg, rate: int, unit: str) -> Path:
    options = {"fs": rate, "units": [unit.replace("µ", "u")], "sig_name": ["II"], "fmt": ["16"]}
    wfdb.wrsamp(path.name, p_signal=ecg[:, None], write_dir=str(path.parent), **options)
    return path


def as_npy(path: Path, ecg, rate: int, unit: str) -> Path:
    np.save(path.with_suffix(".npy"), ecg)
    return path.with_suffix(".npy")


def as_npz(path: Path, ecg, rate: int, unit: str) -> Path:
    np.savez(path.with_suffix(".npz"), **{f"ecg_{unit}": ecg, "fs": rate})
    return path.with_suffix(".npz")


def as_mat(path: Path, ecg, rate: int, unit: str) -> Path:
    savemat(path.with_suffix(".mat"), {"ecg": ecg.astype(np.float32), "Fs": rate, "units": unit, "rpeaks": [1, 2, 3]})
    return path.with_suffix(".mat")


WRITERS = [as_csv, as_tsv_with_commas, as_edf, as_bdf, as_wfdb, as_npy, as_npz, as_mat]


def peaks(signal: EcgSignal) -> NDArray[np.float64]:
    return signal.start + pan_tompkins(signal.values, signal.rate) / signal.rate


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("unit", UNITS)
def test_r_peaks_depend_on_neither_format_unit_rate_nor_polarity(write, unit, real, tmp_path):
    expected = pan_tompkins(real[1000], 1000.0) / 1000
    assert len(expected) > 60
    for rate, ecg in real.items():
        for sign in (1, -1):
            path = write(tmp_path / f"r{rate}", sign * UNITS[unit] * ecg, rate, unit)
            signal = read_ecg(path, rate if write is as_npy else None)
            assert signal.rate == rate
            assert signal.unit == (unit if write is as_npy else "mV")
            found = peaks(signal)
            assert len(found) == len(expected)
            assert np.abs(found - expected).max() <= 0.005
            if write is not as_npy:
                assert np.abs(signal.values - sign * ecg).max() < 1e-3  # mV; 16 bits of 4 mV and less


@pytest.mark.parametrize("rate", [125, 250, 2000])
def test_a_rate_that_contradicts_the_file_is_refused_and_both_are_named(rate, real, tmp_path):
    for write in (as_csv, as_tsv_with_commas, as_edf, as_bdf, as_wfdb, as_npz, as_mat):
        path = write(tmp_path / "a", real[256], 256, "mV")
        with pytest.raises(ClipError, match=rf"256 Hz.*{rate} Hz"):
            read_ecg(path, rate)
        assert read_ecg(path, 257).rate == 256


def test_an_array_without_a_rate_asks_for_it(real, tmp_path):
    with pytest.raises(ClipError, match=r"(?s)states no sampling rate.*signals\.rate"):
        read_ecg(as_npy(tmp_path / "a", real[256], 256, "mV"))


def cut(path: Path, share: float) -> None:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


@pytest.mark.parametrize("write", [as_edf, as_bdf])
def test_an_edf_cut_short_is_read_as_far_as_it_goes_and_says_so(write, real, tmp_path):
    path = write(tmp_path / "a", real[256], 256, "mV")
    cut(path, 0.5)
    signal = read_ecg(path)
    assert 25 < signal.seconds < 31
    assert any("header indicates" in note for note in signal.notes)
    with pytest.raises(ClipError, match=r"samples are missing"):
        signal.between(28, 5.5)


@pytest.mark.parametrize("write", [as_edf, as_bdf, as_npz, as_mat, as_npy])
@pytest.mark.parametrize("size", [0, 8, 100, 300])
def test_a_file_of_a_few_bytes_is_named(write, size, real, tmp_path):
    path = write(tmp_path / "a", real[256], 256, "mV")
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ClipError, match=rf"a\{path.suffix}"):
        read_ecg(path, 256)


@pytest.mark.parametrize("write", [as_edf, as_bdf, as_mat, as_npz, as_npy])
def test_damaged_bytes_give_no_traceback(write, real, tmp_path):
    path = write(tmp_path / "a", real[256][:2560], 256, "mV")
    content, generator = bytearray(path.read_bytes()), np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(content)
        for at in generator.integers(0, min(len(content), 700), 5):
            damaged[at] = generator.integers(256)
        path.write_bytes(damaged)
        with contextlib.suppress(ClipError):
            assert np.isfinite(read_ecg(path, 256).values).all()


def test_python_objects_are_not_loaded(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{"a": 1}, None], dtype=object), allow_pickle=True)
    with pytest.raises(ClipError, match=r"a\.npy is no array of numbers"):
        read_ecg(tmp_path / "a.npy", 256)


@pytest.mark.parametrize("write", [as_edf, as_bdf])
def test_a_discontinuous_edf_is_refused(write, real, tmp_path, monkeypatch):
    path = write(tmp_path / "a", real[256], 256, "mV")
    content = path.read_bytes()
    assert content.count(b"+30\x14\x14") == 1
    path.write_bytes(content.replace(b"+30\x14\x14", b"+35\x14\x14"))
    with pytest.raises(ClipError, match=r"discontinuous"):
        read_ecg(path)


@pytest.mark.parametrize(("write", "package"), [(as_edf, "edfio"), (as_csv, "bioread")])
def test_a_missing_package_is_named(write, package, real, tmp_path, monkeypatch):
    path = write(tmp_path / "a", real[256], 256, "mV")
    path = path if package == "edfio" else path.rename(path.with_suffix(".acq"))
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(ClipError, match=rf"(?s)needs the package {package}.*pip install"):
        read_ecg(path)


def test_what_is_no_acq_is_named(tmp_path):
    (tmp_path / "a.acq").write_bytes(b"no such thing" * 100)
    with pytest.raises(ClipError, match=r"a\.acq is no readable AcqKnowledge file"):
        read_ecg(tmp_path / "a.acq")


def test_a_mat_file_of_version_7_3_says_how_to_save_it(tmp_path):
    (tmp_path / "a.mat").write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM" + bytes(384) + b"\x89HDF\r\n\x1a\n")
    with pytest.raises(ClipError, match=r"(?s)version 7\.3.*-v7"):
        read_ecg(tmp_path / "a.mat")


@pytest.mark.parametrize("layout", ["rows", "columns", "struct", "acqknowledge"])
def test_arrays_of_several_channels(layout, real, tmp_path):
    ecg, other = real[256], np.random.default_rng(0).normal(size=real[256].size)
    both = np.stack([other, ecg])
    held = {
        "rows": {"data": both, "labels": ["GSR", "ECG"], "fs": 256},
        "columns": {"val": both.T, "fs": 256},
        "struct": {"recording": {"signal": both, "sfreq": 256.0, "names": np.array(["EMG", "II"], dtype=object)}},
        "acqknowledge": {"data": both.T, "isi": 1000 / 256, "isi_units": "ms", "labels": ["EMG100C ", "ECG100C "]},
    }[layout]
    savemat(tmp_path / "a.mat", held)
    signal = read_ecg(tmp_path / "a.mat")
    assert signal.rate == pytest.approx(256)
    np.testing.assert_allclose(signal.values, ecg)
    assert any("best by signal quality" in note for note in signal.notes) == (layout == "columns")


@pytest.mark.parametrize(
    "head", [b"PK\x03\x04rest", b"\x1f\x8b\x08rest", b"%PDF-1.7", b"<?xml version='1.0'?>", b"\x89HDF\r\n\x1a\n"]
)
def test_a_format_that_is_not_read_says_what_is(head, tmp_path):
    (tmp_path / "a.xlsx").write_bytes(head + bytes(range(256)))
    with pytest.raises(ClipError, match=r"(?s)a\.xlsx.*export it as CSV"):
        read_ecg(tmp_path / "a.xlsx")


def test_a_folder_and_a_missing_file_are_named(tmp_path):
    with pytest.raises(ClipError, match="directory"):
        read_ecg(tmp_path)
    with pytest.raises(ClipError, match=r"none\.csv does not exist"):
        read_ecg(tmp_path / "none.csv")
