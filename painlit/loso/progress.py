"""How far all folds are, live: each fold leaves its epoch in a small file, and the run's process adds them up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from painlit.system.progress import progress_bar

_NAME = "progress.json"


class LosoProgress:
    """Progress over the epochs of all folds.

    Args:
        folder: folds/ of the run.
        pending: Folds to run.
        folds: Folds of the run, finished ones too.
        epochs: Of each.
        advance: Called with the number of epochs that were done since.
    """

    def __init__(self, folder: Path, pending: Sequence[str], folds: int, epochs: int, advance: Callable[[int], None]):
        self.folds = folds
        self._folder, self._epochs, self._advance = folder, epochs, advance
        self._done = folds - len(pending)
        self._epoch = epochs_done(folder, pending)

    def look(self) -> None:
        """Read how far the folds are."""
        for name, before in self._epoch.items():
            self._set(name, max(before, read_epoch(self._folder / name)))

    def finished(self, name: str) -> None:
        """A fold has ended well."""
        self._set(name, self._epochs)
        self._done += 1
        self.print_line(f"fold {name}: {_accuracy(self._folder / name)} ({self._done} of {self.folds} folds)")

    def print_line(self, text: str) -> None:
        """Print a line above the bar."""
        print(text, flush=True)

    def _set(self, name: str, epoch: int) -> None:
        if epoch > self._epoch[name]:
            self._advance(epoch - self._epoch[name])
            self._epoch[name] = epoch


@contextmanager
def loso_progress(folder: Path, pending: Sequence[str], folds: int, epochs: int) -> Iterator[LosoProgress]:
    """A bar over the epochs of all folds, with the time left."""
    done = (folds - len(pending)) * epochs + sum(epochs_done(folder, pending).values())
    with progress_bar(f"loso, epochs of {folds} folds", total=folds * epochs, done=done) as advance:
        yield LosoProgress(folder, pending, folds, epochs, advance)


def epochs_done(folder: Path, names: Sequence[str]) -> dict[str, int]:
    """Fold -> epochs that it has done, as far as it has written."""
    return {name: read_epoch(folder / name) for name in names}


def write_epoch(fold: Path, epoch: int) -> None:
    """Write how many epochs a fold has done."""
    part = fold / f"{_NAME}.part"
    part.write_text(json.dumps({"epoch": epoch}), encoding="utf-8")
    part.replace(fold / _NAME)


def read_epoch(fold: Path) -> int:
    """The last epoch that a fold wrote; 0 if it wrote none."""
    try:
        return int(json.loads((fold / _NAME).read_text(encoding="utf-8"))["epoch"])
    except (OSError, ValueError, KeyError, TypeError):  # not begun, torn, or replaced on another node: it feeds a bar
        return 0


def forget_epoch(fold: Path) -> None:
    """Remove the file of a finished fold."""
    (fold / _NAME).unlink(missing_ok=True)


def _accuracy(fold: Path) -> str:
    try:
        metrics = json.loads((fold / "metrics.json").read_text(encoding="utf-8"))
        return f"accuracy {100 * metrics['test']['accuracy']:.1f} %"
    except OSError:  # written on another node, and not seen here yet
        return "finished"
