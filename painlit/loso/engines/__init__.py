"""Where folds run: processes on this machine, or tasks on a Ray cluster. Both run `one_fold.work`, and only queue."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from painlit.loso.job import FoldJob
from painlit.loso.progress import LosoProgress

Engine = Callable[[Sequence[FoldJob], LosoProgress], dict[str, str]]
"""Runs folds and returns those that failed, with the reason; one failing does not stop the others.

A fold that ends early is started once more and goes on from its checkpoint: memory that was short may be there by then.
Errors that it told of (a damaged file, say) would come again, and are not tried again.
"""


def engine_for(name: str) -> Engine:
    """The engine that `loso.engine` names."""
    if name == "ray":
        from painlit.loso.engines.ray_cluster import run_folds as run_on_ray  # Ray is an extra

        return run_on_ray
    from painlit.loso.engines.local import run_folds

    return run_folds
