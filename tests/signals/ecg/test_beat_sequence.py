from itertools import combinations, pairwise

import numpy as np
import pytest

from painlit.signals.ecg import beat_sequence
from painlit.signals.ecg.beat_sequence import likeliest_beats

REGULAR = np.arange(0.5, 10, 0.8)


def with_weak(at: float, odds: float) -> tuple[np.ndarray, np.ndarray, int]:
    """A regular rhythm without its seventh beat, and a doubtful candidate instead, whose index is last."""
    times = np.sort(np.append(np.delete(REGULAR, 6), at))
    log_odds = np.where(times == at, odds, 5.0)
    return times, log_odds, int(np.searchsorted(times, at))


def test_a_doubtful_candidate_is_a_beat_where_one_is_due_and_nowhere_else():
    for at, taken in ((REGULAR[6], True), (REGULAR[6] + 0.02, True), (REGULAR[6] - 0.3, False)):
        times, log_odds, index = with_weak(at, -0.2)
        assert (index in likeliest_beats(times, log_odds)) == taken


def test_in_an_irregular_rhythm_each_stands_for_itself():
    times = np.cumsum(np.random.default_rng(0).uniform(0.4, 1.4, 20))
    log_odds = np.full(20, 3.0)
    log_odds[7] = -3.0
    assert likeliest_beats(times, log_odds).tolist() == [k for k in range(20) if k != 7]


def test_noise_between_regular_beats_is_passed_over():
    between = REGULAR[:-1] + 0.35
    times = np.sort(np.concatenate([REGULAR, between[::3]]))
    log_odds = np.where(np.isin(times, REGULAR), 4.0, 0.5)
    np.testing.assert_allclose(times[likeliest_beats(times, log_odds)], REGULAR)


def test_two_beats_are_never_closer_than_the_heart_can_beat():
    times = np.array([1.0, 1.2, 2.0, 2.23, 3.0])
    assert likeliest_beats(times, np.array([3.0, 4.0, 4.0, 3.0, 3.0])).tolist() == [1, 2, 4]


@pytest.mark.parametrize("log_odds", [[], [3.9], [-1.0, -2.0, -8.0]])
def test_without_enough_evidence_there_is_no_beat(log_odds):
    times = np.arange(len(log_odds), dtype=float)
    assert likeliest_beats(times, np.array(log_odds, float)).size == 0


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("with_usual", [False, True])
def test_no_other_sequence_is_better(seed, with_usual):
    generator = np.random.default_rng(seed)
    times = np.sort(generator.uniform(0, 5, 9))
    log_odds = generator.normal(0, 2, 9)
    usual = (generator.normal(-0.2, 0.1, 9), generator.uniform(0.08, 0.4, 9)) if with_usual else None

    def value(beats: tuple[int, ...]) -> float:
        total = sum(log_odds[k] for k in beats)
        for before, now in pairwise(beats):
            interval = times[now] - times[before]
            if interval < beat_sequence.REFRACTORY:
                return -np.inf
            if usual:
                unusual = (np.log(interval) - usual[0][now]) / usual[1][now]
                total += beat_sequence.WEIGHT * (1 - np.log1p(unusual**2))
        return total

    best = max((beats for n in range(10) for beats in combinations(range(9), n)), key=value)
    assert beat_sequence._likeliest(times, log_odds, usual).tolist() == list(best)
