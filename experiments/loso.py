"""`make loso`: every subject held out once, each fold in a process of its own.

Finished folds are skipped, stopped ones go on, failing ones do not stop the others. Leaves
runs/loso/<run>/{config.yaml, fingerprint.json, folds/<subject>/…, results.json}.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_modules.pain_clips import PainClips, data_fingerprints, load_pain_clips
from experiments.command import main
from painlit.config import Config
from painlit.errors import PainlitError
from painlit.files import write_json
from painlit.loso.local import run_folds
from painlit.loso.protocols import Fold, folds
from painlit.loso.results import evaluate, read_predictions
from painlit.loso.table import print_results, remarks
from painlit.pretrained import weights_fingerprints, with_found_weights
from painlit.progress import progress_bar
from painlit.provenance import provenance, save_config
from painlit.run_folder import check_fingerprint, run_lock


@dataclass(frozen=True)
class LosoResult:
    """What `make loso` did."""

    folder: Path
    trained: list[str]
    """Folds this run trained or finished."""
    failed: dict[str, str]
    """Fold -> what ended it."""
    results: dict[str, Any] | None
    """What results.json holds; None while no fold is finished."""

    @property
    def exit_status(self) -> int:
        """1 if a fold failed."""
        return 1 if self.failed else 0


def run(config: Config) -> LosoResult:
    """Run the folds that are not finished, then evaluate all that are."""
    config = with_found_weights(config)
    clips = load_pain_clips(config)
    every = folds(config.loso.protocol, clips.subject_names)
    folder = config.folder("loso")
    with run_lock(folder):
        check_fingerprint(folder, config, {**data_fingerprints(config, clips), **weights_fingerprints(config)})
        save_config(config, folder)
        chosen = _chosen(every, config.loso.subjects)
        pending = [fold.name for fold in chosen if not _metrics(folder, fold).is_file()]
        if clips.excluded:
            print(f"{len(clips.excluded)} clips are left out, see {config.folder('prepare') / 'problems.csv'}")
        failed = _run_pending(config, pending, folder, total=len(chosen))
        results = _evaluate(config, clips, every, folder)
    for name, reason in failed.items():
        print(f"fold {name} failed: {reason}")
    if failed:
        print(f"{len(failed)} folds failed; run the same command to try them again")
    return LosoResult(folder, [name for name in pending if name not in failed], failed, results)


def _run_pending(config: Config, pending: list[str], folder: Path, total: int) -> dict[str, str]:
    if not pending:
        print(f"all {total} folds are finished")
        return {}
    with progress_bar("loso", total=total, done=total - len(pending)) as advance:
        return run_folds(config, pending, folder, lambda name, good: advance(), at_most=total)


def _evaluate(config: Config, clips: PainClips, every: list[Fold], folder: Path) -> dict[str, Any] | None:
    done = [fold for fold in every if _metrics(folder, fold).is_file()]
    if not done:
        return None
    results = {
        "run": config.run_name,
        "task": config.task,
        "modality": config.model.modality,
        "protocol": config.loso.protocol,
        "selection": config.loso.selection,
        "folds": len(every),
        "folds_done": len(done),
        "remarks": remarks(config, clips),
        "excluded_clips": clips.excluded,
        **evaluate(read_predictions(folder / "folds" / fold.name / "predictions.csv" for fold in done)),
        "provenance": provenance(),
    }
    write_json(folder / "results.json", results)
    print_results(config, results)
    return results


def _chosen(every: list[Fold], subjects: list[str]) -> list[Fold]:
    unknown = sorted(set(subjects) - {fold.name for fold in every})
    if unknown:
        raise PainlitError(f"loso.subjects names no fold: {', '.join(unknown)}", "use subject names as in samples.csv")
    return [fold for fold in every if not subjects or fold.name in subjects]


def _metrics(folder: Path, fold: Fold) -> Path:
    return folder / "folds" / fold.name / "metrics.json"


if __name__ == "__main__":
    main(run, __doc__)
