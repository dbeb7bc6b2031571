import numpy as np
import pytest

from painlit.signals.ecg.dead_stretches import dead_stretches, without_dead_stretches
from painlit.signals.ecg.pan_tompkins import find_r_peaks, pan_tompkins

RATE = 100


def test_what_does_not_change_is_left_out_and_the_rest_joined_without_a_jump():
    signal = np.concatenate([np.arange(50.0), np.full(30, 7.0), np.arange(100.0, 150)])
    assert dead_stretches(signal, RATE).tolist() == [[50, 80]]
    left = without_dead_stretches(signal, RATE)
    assert left.at.tolist() == [*range(50), *range(80, 130)]
    assert left.joints.tolist() == [50]
    assert left.signal.tolist() == [*range(50), 49, *range(50, 99)]


@pytest.mark.parametrize(("dead", "joint"), [((0, 30), 0), ((70, 100), 70)])
def test_a_dead_stretch_at_either_end(dead: tuple[int, int], joint: int):
    signal = np.random.default_rng(0).normal(size=100)
    signal[slice(*dead)] = 3.0
    left = without_dead_stretches(signal, RATE)
    assert left.joints.tolist() == [joint]
    np.testing.assert_allclose(np.diff(left.signal), np.diff(np.delete(signal, range(*dead))))


def test_the_coarse_steps_of_a_converter_are_alive():
    signal = np.repeat(np.arange(20.0), 19)  # 0.19 s each
    assert dead_stretches(signal, RATE).size == 0
    assert without_dead_stretches(signal, RATE).at.size == signal.size


@pytest.mark.parametrize("level", [0.0, 0.4, -3.0])
@pytest.mark.parametrize("bpm", [50, 75, 140])
@pytest.mark.parametrize("dead", [(15.0, 22.0), (3.0, 4.4), (0.0, 9.0), (31.0, 40.0)])
def test_its_edges_are_no_beats_and_the_others_are_found(level: float, bpm: float, dead: tuple[float, float]):
    rate, time = 512, np.arange(40 * 512) / 512
    ecg, beats = np.random.default_rng(0).normal(0, 0.01, time.size), np.arange(0.4, 40, 60 / bpm)
    for at in beats:
        ecg += np.exp(-(((time - at) / 0.012) ** 2)) + 0.25 * np.exp(-(((time - at - 0.28) / 0.05) ** 2))
    ecg[(time >= dead[0]) & (time < dead[1])] = level
    found = pan_tompkins(ecg, rate) / rate
    whole = beats[(beats < dead[0] - 0.08) | (beats >= dead[1] + 0.08)]
    assert np.abs(found[:, None] - whole).min(axis=0).max() < 0.02
    assert np.abs(found[:, None] - beats).min(axis=1).max() < 0.02
    assert ((found < dead[0]) | (found >= dead[1])).all()


def test_less_than_a_second_alive_has_no_beats():
    ecg = np.zeros(10 * RATE)
    ecg[:90] = np.random.default_rng(0).normal(size=90)
    assert find_r_peaks(ecg, RATE).at.size == 0


def test_beats_on_either_side_are_as_far_apart_as_they_were():
    """Without the stretch between them two beats come within what no heart can do."""
    rate, time, beats = 512, np.arange(20 * 512) / 512, np.arange(0.4, 20, 0.9)
    ecg = np.random.default_rng(0).normal(0, 0.01, time.size)
    for at in beats:
        ecg += np.exp(-(((time - at) / 0.012) ** 2))
    ecg[(time >= beats[9] + 0.11) & (time < beats[10] - 0.11)] = 0.0
    found = pan_tompkins(ecg, rate) / rate
    assert found == pytest.approx(beats, abs=0.02)
