"""`make loso`: every subject held out once, each fold in a process of its own, here or on a Ray cluster.

Finished folds are skipped, stopped ones go on, failing ones are tried once more and do not stop the others. Several
calls share a run's folds. Leaves runs/loso/<run>/{config.yaml, fingerprint.json, folds/<subject>/…, results.json,
report.html}, and failures.json if any failed. With --dry-run it only lists the folds and estimates hours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.command import main
from painlit.config import Config
from painlit.report.run_report import write_report
from painlit.report.summary_run import log_summary
from painlit.report.terminal import print_results
from painlit.runs.tracking import sync_command
from painlit.system.files import waiting_lock
from painlit.system.processes import start_server

if TYPE_CHECKING:
    from painlit.loso.run import LosoResult


def run(config: Config) -> LosoResult:
    """Run the folds that are not finished, evaluate all that are, and present the result."""
    unfinished = not (config.folder("loso") / "results.json").is_file()
    if unfinished and config.loso.engine == "local" and not config.loso.dry_run:
        start_server()  # it imports what folds need while this process imports what it needs itself
    from data_modules.recordings.datamodule import PainDataModule
    from painlit.loso.run import run_loso

    data = PainDataModule(config)
    data.setup()
    config = data.config
    result = run_loso(config, data)
    if result.results is not None:
        page = result.folder / "report.html"
        write_report(config, result.results, page)
        print_results(config, result.results)
        print(f"report: {page}")
        with waiting_lock(result.folder):
            log_summary(config, result.results, result.folder, data.clips.subject_names)
        if config.log.wandb == "offline":
            print(f"to send what was logged: {sync_command(result.folder, '.', 'folds/*')}")
    return result


if __name__ == "__main__":
    main("loso")
