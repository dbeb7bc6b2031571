"""Columns of times, and stretches by time."""

from pathlib import Path

import numpy as np
import pytest

from painlit.errors import ClipError
from painlit.signals.files import EcgSignal, read_ecg

N = 2048
VALUES = np.round(np.sin(np.arange(N) / 9), 6)


@pytest.fixture
def read(tmp_path: Path):
    """Reads rows of s and mV."""

    def reading(times, values=VALUES, rate=None, digits=9):
        rows = [f"{t:.{digits}f}\t{v}" for t, v in zip(times, values, strict=True)]
        (tmp_path / "a.csv").write_text("\n".join(["time\tecg", *rows]))
        return read_ecg(tmp_path / "a.csv", rate)

    return reading


@pytest.mark.parametrize("rate", [61, 128, 250, 256, 360, 500, 512, 1000, 2048, 333.25])
@pytest.mark.parametrize("digits", [4, 6])
def test_the_rate_is_that_of_the_times(rate, digits, read):
    if rate > 1000 and digits == 4:
        return  # a step of five units
    signal = read(np.arange(N) / rate, digits=digits)
    assert signal.rate == pytest.approx(rate, rel=1e-4)
    np.testing.assert_array_equal(signal.values, VALUES)


def test_times_of_whole_milliseconds_have_the_rate_of_all(read):
    assert read(np.arange(N) / 512, digits=3).rate == 512
    assert read(np.arange(N) / 700, digits=3).rate == 700


@pytest.mark.parametrize("shift", [0.3, 0.6])
def test_jitter_is_no_gap(shift, read):
    times = np.arange(N) / 256
    times[100:1000:50] += shift / 256
    signal = read(times)
    assert signal.rate == 256
    np.testing.assert_array_equal(signal.values, VALUES)


@pytest.mark.parametrize("share", [0.005, -0.005])
def test_a_given_rate_may_differ_by_less_than_1_percent_and_the_times_hold(share, read):
    assert read(np.arange(N) / 256, rate=256 * (1 + share)).rate == 256


@pytest.mark.parametrize("given", [125, 250, 260, 512])
def test_a_given_rate_that_differs_more_is_refused_and_both_are_named(given, read):
    with pytest.raises(ClipError, match=rf"(?s)column time steps by 3\.90625 ms, which is 256 Hz.*{given} Hz"):
        read(np.arange(N) / 256, rate=given)


@pytest.mark.parametrize("at", [1, 700, N - 1])
def test_times_that_go_back_are_named_with_their_row(at, read):
    times = np.arange(N) / 256
    times[at:] -= 0.5
    with pytest.raises(ClipError, match=rf"column time, row {at + 2}: time .* comes after"):
        read(times)


@pytest.mark.parametrize(("lost", "where"), [(1, 500), (3, 500), (10, 1000)])
def test_a_short_gap_is_interpolated_and_noted(lost, where, read):
    kept = np.delete(np.arange(N), np.arange(where, where + lost))
    signal = read(kept / 256, VALUES[kept])
    assert signal.gaps == ((where, where + lost),)
    assert signal.values.size == N
    np.testing.assert_array_equal(signal.values[kept], VALUES[kept])
    assert np.abs(signal.values - VALUES).max() < 0.2
    assert any(f"{lost} samples lack in 1 gaps" in note for note in signal.notes)
    assert signal.between(0, 5.5).values.size == 1408


def test_a_long_gap_spoils_only_stretches_that_hold_it(read):
    kept = np.delete(np.arange(N), np.arange(700, 711))  # 43 ms
    signal = read(kept / 256, VALUES[kept])
    np.testing.assert_array_equal(signal.between(0, 2.7).values, VALUES[:691])
    np.testing.assert_array_equal(signal.between(3, 2).values, VALUES[768:1280])
    with pytest.raises(
        ClipError, match=r"11 of the 2048 samples from 0 s on are missing, 0\.043 s of them at 2\.734 s"
    ):
        signal.between(0, 8)


def test_many_short_gaps_spoil_a_stretch(read):
    lost = np.arange(600, 1000, 40)
    kept = np.delete(np.arange(N), lost)
    signal = read(kept / 256, VALUES[kept])
    assert signal.between(0, 5.5).gaps == tuple((k, k + 1) for k in lost)
    with pytest.raises(ClipError, match="7 of the 256 samples"):
        signal.between(2.3, 1)


def test_a_repeated_row_is_dropped_and_another_value_at_its_time_is_refused(read):
    order = np.sort(np.r_[np.arange(N), [40, 900, 901]])
    signal = read(order / 256, VALUES[order])
    np.testing.assert_array_equal(signal.values, VALUES)
    assert any("3 repeated times, the first in row 43" in note for note in signal.notes)
    other = VALUES[order]
    other[41] += 1
    with pytest.raises(ClipError, match=r"a\.csv, row 43: the time of the row before with another value"):
        read(order / 256, other)


@pytest.mark.parametrize("clock", [1, 0.25, 0.05])
def test_a_clock_coarser_than_the_samples_needs_a_rate(clock, read):
    times = np.floor(np.arange(N) / 256 / clock) * clock
    with pytest.raises(ClipError, match=r"(?s)steps are uneven.*signals\.rate"):
        read(times)
    signal = read(times, rate=256)  # which a clock of whole seconds gives to a few per cent only
    np.testing.assert_array_equal(signal.values, VALUES)
    assert any("uneven" in note for note in signal.notes)
    with pytest.raises(ClipError, match=r"Hz over the whole file.*512 Hz"):
        read(times, rate=512)


@pytest.mark.parametrize("jump", [4000, 1.6e9])
def test_a_jump_of_the_clock_is_named(jump, read):
    times = np.arange(N) / 256
    times[300:] += jump
    with pytest.raises(ClipError, match=r"column time, row 302: time jumps by"):
        read(times)


def test_times_without_a_plausible_step_or_all_alike_are_named(read):
    with pytest.raises(ClipError, match=r"steps by 0\.05 and names no unit"):
        read(np.arange(N) / 20)
    with pytest.raises(ClipError, match="all times are 3"):
        read(np.full(N, 3.0))
    with pytest.raises(ClipError, match="rows are no recording"):
        read(np.arange(2) / 256, VALUES[:2])


@pytest.mark.parametrize(("first", "start"), [(0, 0), (2.5, 2.5), (3600, 3600), (90_000, 0), (1.7e9, 0), (-3, 0)])
def test_small_times_are_the_files_own_clock_and_dates_count_from_the_first_row(first, start, read):
    signal = read(first + np.arange(N) / 256, digits=6)
    assert (signal.rate, signal.start) == (256, start)
    np.testing.assert_array_equal(signal.between(start + 1, 2).values, VALUES[256:768])
    assert any("begin at" in note or "from the first row" in note for note in signal.notes) == bool(first)


@pytest.fixture
def signal() -> EcgSignal:
    return EcgSignal(np.arange(2816.0), 512.0, start=2.0, notes=("one",), file="a.edf")


@pytest.mark.parametrize(
    ("start", "lost"), [(2, 0), (2 + 1 / 512, 1), (2 + 2 / 512, 2), (2 - 1 / 512, -1), (2 - 2 / 512, -2)]
)
def test_up_to_two_samples_missing_at_an_end_take_the_nearest(start, lost, signal):
    part = signal.between(start, 5.5)
    np.testing.assert_array_equal(part.values, np.clip(np.arange(2816) + lost, 0, 2815))
    assert len(part.notes) == 1 + bool(lost)
    assert part.start == start


@pytest.mark.parametrize(
    ("start", "seconds"), [(2 + 3 / 512, 5.5), (2 - 3 / 512, 5.5), (0, 5.5), (100, 5.5), (-9, 5.5), (2, 9)]
)
def test_a_stretch_that_is_not_there_is_an_error(start, seconds, signal):
    with pytest.raises(ClipError, match=r"a\.edf has an ECG from 2 to 7\.500 s, but .* samples are missing"):
        signal.between(start, seconds)


def test_a_stretch_keeps_what_is_known_of_it(signal):
    part = signal.between(3, 2)
    np.testing.assert_array_equal(part.values, np.arange(512.0, 1536))
    assert (part.rate, part.notes, part.file) == (512, ("one",), "a.edf")
    np.testing.assert_array_equal(part.between(3.5, 1).values, np.arange(768.0, 1280))
