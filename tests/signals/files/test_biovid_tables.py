"""BioVid's biosignal tables give the very values that they hold."""

from pathlib import Path

import numpy as np
import pytest

from data_modules.recordings.preparation import clip_ecg
from painlit.clips.clip import Clip
from painlit.config import load
from painlit.errors import ClipError

HEADER = "time\tgsr\tecg\temg_trapezius\temg_corrugator\temg_zygomaticus"


@pytest.fixture
def read(tmp_path: Path):
    """The ECG of a clip whose table has these rows; row k has ECG k / 10."""

    def reading(rows: int = 2816, header: str = HEADER, step: float = 1e6 / 512, settings=()) -> np.ndarray:
        path = tmp_path / "a_bio.csv"
        lines = [
            "\t".join({"time": str(round(k * step)), "ecg": str(k / 10)}.get(n, "7.5") for n in header.split("\t"))
            for k in range(rows)
        ]
        path.write_text("\n".join([header, *lines]) + "\n")
        return of_file(path, *settings)

    return reading


def of_file(path: Path, *settings: str) -> np.ndarray:
    return clip_ecg(Clip("a", "s", 0, path, path), load(list(settings))).values


@pytest.mark.parametrize("header", [HEADER, "time\tgsr\tecg\temg_trapezius", "ecg\ttime", "time\tecg"])
def test_the_ecg_is_found_by_its_columns_name(header, read):
    np.testing.assert_array_equal(read(header=header), np.arange(2816) / 10)


@pytest.mark.parametrize("extra", [-2, -1, 0, 1, 2])
def test_a_row_more_or_less_is_no_problem(extra, read):
    np.testing.assert_array_equal(read(2816 + extra), np.minimum(np.arange(2816), 2815 + extra) / 10)


@pytest.mark.parametrize("rows", [0, 2, 1400, 2813, 2819, 5632])
def test_another_length_is_an_error_of_that_clip(rows, read):
    with pytest.raises(ClipError, match=r"a_bio\.csv"):
        read(rows)


@pytest.mark.parametrize("rate", [128, 256, 500, 1024])
def test_a_time_column_of_another_rate_is_refused_and_both_are_named(rate, read):
    with pytest.raises(ClipError, match=rf"{rate} Hz, but the settings say 512 Hz\n.*clip\.ecg_hz"):
        read(step=1e6 / rate)
    assert read(round(5.5 * rate), step=1e6 / rate, settings=[f"clip.ecg_hz={rate}"]).size == round(5.5 * rate)


def test_a_step_rounded_down_in_every_row_is_still_512_hz(read):
    np.testing.assert_array_equal(read(step=1953), np.arange(2816) / 10)


def test_real_values_are_kept_to_the_last_bit(shared_data):
    for path in sorted((shared_data / "proxy_biovid/PartA").glob("biosignals_*/*/*.csv"))[::60]:
        cells = [line.split("\t") for line in path.read_text().split("\n")[1:] if line]
        np.testing.assert_array_equal(of_file(path), [float(row[2]) for row in cells])


@pytest.mark.parametrize(
    ("case", "message"), [("03", "256 Hz.*512 Hz"), ("04", "row 1410: time 0 comes after 5498047")]
)
def test_cases_that_are_refused(case, message, shared_data):
    (path,) = (shared_data / "cases").glob(f"{case}-*/*.csv")
    with pytest.raises(ClipError, match=message):
        of_file(path)


def test_a_blank_last_line_is_ignored(shared_data):
    (path,) = (shared_data / "cases").glob("32-*/*.csv")
    assert of_file(path).shape == (2816,)
