"""Which images or beats a step sees: natural or class-balanced, from one set or several, for one process or many.

The order is a function of seed and epoch alone. So a stopped run goes on within an epoch, and two processes together
see the batches that one would.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch.distributed as dist
from torch.utils.data import DistributedSampler

from painlit.system.seeds import derive_seed


class Draw(NamedTuple):
    """One image or beat of a batch."""

    task: int
    """Position of its set."""
    row: int
    """Row of the set."""
    seed: int
    """Of its augmentation."""


def draw_rows(labels: np.ndarray, count: int, balanced: bool, generator: np.random.Generator) -> np.ndarray:
    """Positions of `count` items, each used again only when all others (of its class) have been.

    Args:
        labels: (n,) class of each item.
        count: How many to draw; more than n goes round again.
        balanced: Draw each class equally often, up to one; else each item.
        generator: Of the order.

    Returns:
        (count,) positions in `labels`.
    """
    if not balanced:
        return _rounds(np.arange(len(labels)), count, generator)
    by_class = np.argsort(labels, kind="stable")
    ends = np.flatnonzero(np.diff(labels[by_class], append=-1)) + 1
    members = np.split(by_class, ends[:-1])
    shares = np.full(len(members), count // len(members))
    shares[generator.permutation(len(members))[: count % len(members)]] += 1
    drawn = [_rounds(rows, int(share), generator) for rows, share in zip(members, shares, strict=True)]
    return generator.permutation(np.concatenate(drawn))


def _rounds(rows: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    rounds = [generator.permutation(rows) for _ in range(-(-count // len(rows)))]
    return np.concatenate([rows[:0], *rounds])[:count]


def batch_shares(sizes: Sequence[int], batch_size: int, mixing: float) -> list[int]:
    """Items of each set in every batch: proportional to its size to the power `mixing`, at least one.

    Largest remainders decide rounding, so the shares add up to the batch.

    >>> batch_shares([287_651, 4_800, 12_271, 3_162], 128, mixing=0.5)
    [87, 12, 19, 10]
    """
    weights = np.asarray(sizes, np.float64) ** mixing
    exact = 1 + (batch_size - len(sizes)) * weights / weights.sum()
    shares = np.floor(exact).astype(int)
    rest = batch_size - int(shares.sum())
    shares[np.argsort(shares - exact, kind="stable")[:rest]] += 1
    return shares.tolist()


def this_process() -> tuple[int, int]:
    """This process's rank and the number of processes that train together; (0, 1) for one alone."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


class _Batches(DistributedSampler):
    """Yields whole batches of draws for one process, which is why Lightning must not divide them again."""

    def __init__(self, rows: Sequence[np.ndarray]):
        rank, processes = this_process()
        super().__init__(np.concatenate([np.empty(0, np.int64), *rows]), processes, rank, shuffle=False)  # type: ignore[arg-type]


class MixedBatches(_Batches):
    """Batches with items of every set, as draws for one process.

    An epoch has as many batches as the largest set needs (relative to its share) for each item once; smaller sets go
    round again within it. An incomplete last batch is dropped. Give it to a DataLoader as `sampler` with
    `batch_size=None`.

    Args:
        rows: Of each set, its training rows.
        labels: Of each set, the classes of these rows.
        batch_size: Items in a batch, over all processes.
        balanced: Draw each class of a set equally often.
        mixing: See `batch_shares`.
        seed: Of the order and the augmentations.
    """

    def __init__(
        self,
        rows: Sequence[np.ndarray],
        labels: Sequence[np.ndarray],
        batch_size: int,
        *,
        balanced: bool,
        mixing: float = 0.5,
        seed: int = 0,
    ):
        super().__init__(rows)
        self.rows, self.labels = list(rows), list(labels)
        sizes = [len(part) for part in self.rows]
        self.shares = batch_shares(sizes, min(batch_size, sum(sizes)), mixing)
        self.batches = max(1, *(size // share for size, share in zip(sizes, self.shares, strict=True)))
        self.balanced, self.seed = balanced, seed
        self.epoch = self.start = 0

    def set_epoch(self, epoch: int) -> None:
        """The next iteration gives this epoch's batches."""
        if epoch != self.epoch:
            self.epoch, self.start = epoch, 0

    def go_on(self, drawn: int) -> None:
        """The next iteration gives the batches after those of a run that drew so many."""
        self.epoch, self.start = divmod(drawn, self.batches)

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[list[Draw]]:
        generator = np.random.default_rng(derive_seed(self.seed, "order", self.epoch))
        order = [
            rows[draw_rows(labels, self.batches * share, self.balanced, generator)].reshape(self.batches, share)
            for rows, labels, share in zip(self.rows, self.labels, self.shares, strict=True)
        ]
        seeds = np.random.default_rng(derive_seed(self.seed, "augmentation", self.epoch))
        seeds_of_batches = seeds.integers(2**32, size=(self.batches, sum(self.shares)))
        for number in range(self.start, self.batches):
            drawn = [(task, row) for task, rows in enumerate(order) for row in rows[number].tolist()]
            batch = [
                Draw(task, row, seed)
                for (task, row), seed in zip(drawn, seeds_of_batches[number].tolist(), strict=True)
            ]
            yield batch[self.rank :: self.num_replicas]


class Passes(_Batches):
    """Every item once, in order and as it is, each by one process: for validation."""

    def __init__(self, rows: Sequence[np.ndarray], batch_size: int):
        super().__init__(rows)
        draws = [Draw(task, row, -1) for task, part in enumerate(rows) for row in part.tolist()]
        self.draws = draws[self.rank :: self.num_replicas]
        self.batch_size = batch_size

    def __len__(self) -> int:
        return -(-len(self.draws) // self.batch_size)

    def __iter__(self) -> Iterator[list[Draw]]:
        for first in range(0, len(self.draws), self.batch_size):
            yield self.draws[first : first + self.batch_size]
