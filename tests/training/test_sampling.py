from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from lightning.fabric.utilities.data import _set_sampler_epoch
from torch.utils.data import DataLoader, DistributedSampler

from painlit.training import sampling as sampling_module
from painlit.training.sampling import MixedBatches, Passes, batch_shares, draw_rows

ROWS = [np.arange(100, 137), np.arange(0, 20, 2)]
LABELS = [np.repeat([4, 0, 2], [30, 2, 5]), np.arange(10) % 2]


def batches(batch_size: int = 12, **changes) -> MixedBatches:
    return MixedBatches(ROWS, LABELS, batch_size, **{"balanced": False, "mixing": 0.5, "seed": 3} | changes)


def one_set(count: int, batch_size: int, **changes) -> MixedBatches:
    rows = np.arange(count)
    return MixedBatches([rows], [rows % 3], batch_size, **{"balanced": False, "seed": 3} | changes)


def epoch(sampler: MixedBatches, number: int = 0) -> list:
    sampler.set_epoch(number)
    return list(sampler)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("count", [0, 1, 36, 37, 38, 74, 100])
def test_natural_draws_each_image_as_often_as_any_other(count: int):
    drawn = draw_rows(LABELS[0], count, False, generator())
    times = np.bincount(drawn, minlength=37)
    assert (len(drawn), len(times)) == (count, 37)
    assert times.max() - times.min() <= 1


@pytest.mark.parametrize("count", [1, 2, 3, 10, 37, 100, 301])
def test_balanced_draws_each_class_as_often_as_any_other(count: int):
    drawn = draw_rows(LABELS[0], count, True, generator())
    classes = np.bincount(LABELS[0][drawn], minlength=5)[[0, 2, 4]]
    assert classes.sum() == count
    assert classes.max() - classes.min() <= 1
    for label in (0, 2, 4):
        times = np.bincount(drawn, minlength=37)[LABELS[0] == label]
        assert times.max() - times.min() <= 1


def test_balanced_mixes_the_classes():
    drawn = LABELS[0][draw_rows(LABELS[0], 300, True, generator())]
    for part in np.split(drawn, 5):
        assert set(part) == {0, 2, 4}


def test_which_classes_get_one_more_is_by_chance():
    more = [LABELS[0][draw_rows(LABELS[0], 1, True, generator(seed))][0] for seed in range(30)]
    assert set(more) == {0, 2, 4}


@pytest.mark.parametrize("sizes", [[10], [5, 5], [287_651, 4_800, 12_271, 3_162], [1, 1_000_000], [7, 3, 2, 2, 1]])
@pytest.mark.parametrize("mixing", [0, 0.5, 1])
@pytest.mark.parametrize("batch_size", [5, 32, 127])
def test_shares_fill_the_batch_with_every_set(sizes, mixing: float, batch_size: int):
    shares = batch_shares(sizes, batch_size, mixing)
    assert sum(shares) == batch_size
    assert min(shares) >= 1
    if mixing:
        assert sorted(shares) == [share for _, share in sorted(zip(sizes, shares, strict=True))]
    else:
        assert max(shares) - min(shares) <= 1


def test_mixing_goes_from_equal_to_proportional():
    assert batch_shares([900, 100], 100, 0) == [50, 50]
    assert batch_shares([900, 100], 100, 1) == [89, 11]
    assert batch_shares([900, 100], 100, 0.5) == [75, 25]


@pytest.mark.parametrize(("count", "batch_size"), [(24, 6), (25, 6), (6, 6), (1, 1)])
def test_an_epoch_of_one_set_is_each_image_once(count: int, batch_size: int):
    drawn = epoch(one_set(count, batch_size))
    rows = [draw.row for batch in drawn for draw in batch]
    assert {len(batch) for batch in drawn} == {batch_size}
    assert len(rows) == len(set(rows)) == count - count % batch_size
    assert all(draw.task == 0 and draw.seed >= 0 for batch in drawn for draw in batch)


def test_fewer_images_than_a_batch_make_one_step():
    (batch,) = epoch(one_set(5, 64))
    assert sorted(draw.row for draw in batch) == list(range(5))


@pytest.mark.parametrize("balanced", [False, True])
def test_every_batch_has_the_share_of_each_set(balanced: bool):
    sampler = batches(balanced=balanced)
    drawn = epoch(sampler)
    assert len(drawn) == len(sampler) == sampler.batches == max(37 // sampler.shares[0], 10 // sampler.shares[1])
    for batch in drawn:
        assert [sum(draw.task == task for draw in batch) for task in (0, 1)] == sampler.shares
        assert all(draw.row in ROWS[draw.task] for draw in batch)


def test_smaller_sets_go_round_again_evenly():
    sampler = batches(mixing=1)
    times = Counter(draw.row for batch in epoch(sampler) for draw in batch if draw.task == 1)
    assert max(times.values()) - min(times.values()) <= 1
    assert sum(times.values()) == sampler.batches * sampler.shares[1]


@pytest.mark.parametrize("balanced", [False, True])
def test_the_order_follows_from_seed_and_epoch_alone(balanced: bool):
    sampler = batches(balanced=balanced)
    third = epoch(sampler, 3)
    assert epoch(sampler, 1) != third
    assert epoch(sampler, 3) == third == epoch(batches(balanced=balanced), 3)
    assert epoch(batches(balanced=balanced, seed=4), 3) != third


def test_an_image_is_augmented_otherwise_each_time():
    seeds = [draw.seed for number in range(3) for batch in epoch(batches(), number) for draw in batch]
    assert len(set(seeds)) == len(seeds)


@pytest.mark.parametrize("balanced", [False, True])
def test_a_stopped_run_goes_on_exactly(balanced: bool):
    sampler = batches(balanced=balanced)
    whole = [batch for number in range(3) for batch in epoch(sampler, number)]
    for done in range(len(whole) + 1):
        resumed = batches(balanced=balanced)
        resumed.go_on(done)
        rest = list(resumed) if done < 3 * sampler.batches else []
        for number in range(done // sampler.batches + 1, 3):
            resumed.set_epoch(number - 1)  # the trainer sets the epoch that it is in, too
            rest += epoch(resumed, number)
        assert rest == whole[done:], done


def in_each_process(world_size: int, monkeypatch, make: Callable[[], Any]) -> list[Any]:
    made = []
    for rank in range(world_size):
        monkeypatch.setattr(sampling_module, "this_process", lambda rank=rank: (rank, world_size))
        made.append(make())
    return made


@pytest.mark.parametrize("world_size", [2, 3, 4])
@pytest.mark.parametrize("balanced", [False, True])
def test_the_processes_together_see_the_batches_of_one(world_size: int, balanced: bool, monkeypatch):
    whole = epoch(batches(balanced=balanced), 2)
    parts = in_each_process(world_size, monkeypatch, lambda: epoch(batches(balanced=balanced), 2))
    for batch, *shares in zip(whole, *parts, strict=True):
        assert {len(share) for share in shares} == {12 // world_size}
        assert sorted(draw for share in shares for draw in share) == sorted(batch)


def test_the_trainer_finds_where_to_set_the_epoch_and_leaves_the_batches_as_they_are():
    loader = DataLoader(range(10), sampler=batches(), batch_size=None)  # type: ignore[arg-type]
    _set_sampler_epoch(loader, 5)
    assert loader.sampler.epoch == 5
    assert isinstance(loader.sampler, DistributedSampler), "what Lightning does not divide again"


@pytest.mark.parametrize("world_size", [1, 2, 3, 50])
@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_passes_show_every_image_once_as_it_is(world_size: int, batch_size: int, monkeypatch):
    passes = in_each_process(world_size, monkeypatch, lambda: Passes(ROWS, batch_size))
    drawn = [draw for part in passes for batch in part for draw in batch]
    assert sorted((draw.task, draw.row) for draw in drawn) == [(t, r) for t in (0, 1) for r in sorted(ROWS[t])]
    assert {draw.seed for draw in drawn} == {-1}
    for part in passes:
        assert len(list(part)) == len(part)
        assert list(part) == list(part)
        assert all(0 < len(batch) <= batch_size for batch in part)
