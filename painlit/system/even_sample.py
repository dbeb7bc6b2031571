"""Some items of a stream whose length is not known."""

from __future__ import annotations

from typing import Generic, TypeVar

Item = TypeVar("Item")


class EvenSample(Generic[Item]):
    """Items spread evenly over a stream, the same ones each time.

    Every step-th is kept; when they are twice as many as wanted, every second goes and the step doubles.

    Args:
        wanted: How many.

    Attributes:
        kept: What is kept of all items so far: all of few, else `wanted` to twice as many.
    """

    def __init__(self, wanted: int):
        self.wanted = wanted
        self.kept: list[Item] = []
        self._step, self._seen = 1, 0

    def add(self, item: Item) -> None:
        """Keep it or not."""
        if self._seen % self._step == 0:
            self.kept.append(item)
            if len(self.kept) == 2 * self.wanted:
                self.kept = self.kept[::2]
                self._step *= 2
        self._seen += 1

    def chosen(self) -> list[Item]:
        """The sample: all, or as many as wanted."""
        count = len(self.kept)
        wanted = min(self.wanted, count)
        return [self.kept[place * count // wanted] for place in range(wanted)]
