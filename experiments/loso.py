"""`make loso`: every subject held out once, each fold in a process of its own, here or on a Ray cluster.

Finished folds are skipped, stopped ones go on, failing ones are tried once more and do not stop the others. Leaves
runs/loso/<run>/{config.yaml, fingerprint.json, folds/<subject>/…, results.json, report.html}, and failures.json if any
failed. With --dry-run it only lists the folds and estimates hours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.command import main
from painlit.config import Config
from painlit.system.processes import start_server

if TYPE_CHECKING:
    from painlit.loso.run import LosoResult


def run(config: Config) -> LosoResult:
    """Run the folds that are not finished, then evaluate all that are."""
    unfinished = not (config.folder("loso") / "results.json").is_file()
    if unfinished and config.loso.engine == "local" and not config.loso.dry_run:
        start_server()  # it imports what folds need while this process imports what it needs itself
    from painlit.loso.run import run_loso

    return run_loso(config)


if __name__ == "__main__":
    main(run, __doc__)
