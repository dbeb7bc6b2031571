"""`make prepare`: face boxes and heart rates of every clip of a data set, in one small table.

Parallel over clips and without copying pixels. Resumable: a second run takes up the clips that are missing, and the
unusable half of those with a problem. Leaves runs/prepare/<data.name>/{clips.sqlite, problems.csv, quality.csv,
report.html, config.yaml, metrics.json}.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.command import main
from painlit.config import Config
from painlit.system.processes import start_server

if TYPE_CHECKING:
    from experiments.prepare_clips import PrepareResult


def run(config: Config, retry: bool = True) -> PrepareResult:
    """Prepare every clip of the data set that the table does not hold yet, see `prepare_clips.prepare`."""
    start_server()  # it imports what workers need while this process imports what it needs itself
    from experiments.prepare_clips import prepare

    return prepare(config, retry)


if __name__ == "__main__":
    main("prepare")
