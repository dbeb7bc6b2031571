"""Where folds run: processes on this machine, or tasks on a Ray cluster. Both run `job.work`, and only queue."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from painlit.loso.job import FoldJob, Outcomes
from painlit.loso.progress import LosoProgress

Engine = Callable[[Sequence[FoldJob], LosoProgress], Outcomes]
"""Runs folds; one failing does not stop the others.

A fold that another call holds is left to it, and taken up only if that one ends without finishing it. A fold that ends
early is started once more and goes on from its checkpoint: memory that was short may be there by then. Errors for the
user (a damaged file, say) would come again, and are not tried again.
"""


def engine_for(name: str) -> Engine:
    """The engine that `loso.engine` names."""
    if name == "ray":
        from painlit.loso.engines.ray_cluster import run_folds as run_on_ray  # Ray is an extra

        return run_on_ray
    from painlit.loso.engines.local import run_folds

    return run_folds
