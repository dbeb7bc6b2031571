"""A whole leave-one-subject-out run: the folds that are not finished, then the evaluation of all that are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from painlit.clips.pain_clips import (
    PainClips,
    data_fingerprints,
    load_pain_clips,
    refuse_tested_teachers,
    with_told_embeddings,
)
from painlit.config import Config
from painlit.errors import PainlitError
from painlit.loso.comparison import compare
from painlit.loso.engines import engine_for
from painlit.loso.finished import FOLD_FORMAT, check_folds, is_finished, read_folds
from painlit.loso.job import FoldJob
from painlit.loso.progress import loso_progress
from painlit.loso.protocols import Fold, folds
from painlit.loso.remarks import remarks
from painlit.loso.results import evaluate
from painlit.report.run_report import write_report
from painlit.report.summary_run import log_summary
from painlit.report.terminal import print_results
from painlit.runs.folder import check_fingerprint, fingerprint, has_work, run_lock
from painlit.runs.provenance import provenance, save_config
from painlit.runs.tracking import check_credentials
from painlit.system.files import read_json, write_json
from painlit.weights.pretrained import weights_fingerprints, with_found_weights

if TYPE_CHECKING:
    from painlit.loso.dry_run import Estimate


@dataclass(frozen=True)
class LosoResult:
    """What a run did."""

    folder: Path
    trained: list[str]
    """Folds this run trained or finished."""
    failed: dict[str, str]
    """Fold -> what ended it."""
    results: dict[str, Any] | None
    """What results.json holds; None while no fold is finished."""
    estimate: Estimate | None = None
    """With --dry-run: what the pending folds would take."""

    @property
    def exit_status(self) -> int:
        """1 if a fold failed."""
        return 1 if self.failed else 0


def run_loso(config: Config) -> LosoResult:
    """Run the folds that are not finished, then evaluate all that are; with loso.dry_run only estimate hours."""
    config = with_told_embeddings(with_found_weights(config))
    check_credentials(config.log)
    clips = load_pain_clips(config)
    every = folds(config.loso.protocol, clips.subject_names)
    refuse_tested_teachers(config, [subject for fold in every for subject in fold.test])
    chosen = _chosen(every, config.loso.subjects)
    folder = config.folder("loso")
    about = {**data_fingerprints(config, clips), **weights_fingerprints(config), "format": FOLD_FORMAT}
    now = fingerprint(config, about)
    if config.loso.dry_run:
        if has_work(folder):
            check_fingerprint(folder, now)
        return _dry_run(config, clips, chosen, folder)
    with run_lock(folder):
        check_fingerprint(folder, now)
        check_folds([_folder(folder, fold) for fold in every], now)
        save_config(config, folder)
        if clips.excluded:
            print(f"{len(clips.excluded)} clips are left out, see {config.folder('prepare') / 'problems.csv'}")
        pending = [fold.name for fold in chosen if not is_finished(_folder(folder, fold))]
        failed = _run_pending(config, pending, folder, len(chosen), clips, now)
        _record(folder, failed)
        trained = [name for name in pending if name not in failed]
        results = _evaluate(config, clips, every, folder, about)
    for name, reason in failed.items():
        print(f"fold {name} failed: {reason}")
    if failed:
        print(f"{len(failed)} folds failed; run the same command to try them again")
    return LosoResult(folder, trained, failed, results)


def _run_pending(
    config: Config, pending: list[str], folder: Path, total: int, clips: PainClips, now: Mapping[str, Any]
) -> dict[str, str]:
    if not pending:
        print(f"all {total} folds are finished")
        return {}
    place, values = (folder / "folds").resolve(), config.to_dict()
    jobs = [FoldJob(name, place / name, values, clips, now) for name in pending]
    with loso_progress(place, pending, total, config.train.epochs) as progress:
        return engine_for(config.loso.engine)(jobs, progress)


def _evaluate(
    config: Config, clips: PainClips, every: list[Fold], folder: Path, made_from: Mapping[str, Any]
) -> dict[str, Any] | None:
    done = [place for fold in every if is_finished(place := _folder(folder, fold))]
    if not done:
        return None
    predictions = read_folds(done)
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
        **evaluate(predictions),
        "provenance": {**provenance(), "made_from": dict(made_from)},
    }
    if config.loso.selection == "oracle":
        results["optimism"] = compare(read_folds(done, "predictions_last.csv"), predictions)
    write_json(folder / "results.json", results)
    write_report(config, results, folder / "report.html")
    print_results(config, results)
    print(f"report: {folder / 'report.html'}")
    log_summary(config, results, folder)
    return results


def _dry_run(config: Config, clips: PainClips, chosen: list[Fold], folder: Path) -> LosoResult:
    from painlit.loso.dry_run import estimate, print_estimate  # here, because it imports Lightning

    found = estimate(config, clips, chosen, folder / "folds")
    print_estimate(config, found)
    return LosoResult(folder, [], {}, None, found)


def _record(folder: Path, failed: dict[str, str]) -> None:
    """Which folds failed and why, those of earlier calls too until they are finished; no file if there are none."""
    path = folder / "failures.json"
    before = read_json(path) if path.is_file() else {}
    failed = {name: why for name, why in {**before, **failed}.items() if not is_finished(folder / "folds" / name)}
    if failed:
        write_json(path, failed)
    else:
        path.unlink(missing_ok=True)


def _chosen(every: list[Fold], subjects: list[str]) -> list[Fold]:
    unknown = sorted(set(subjects) - {fold.name for fold in every})
    if unknown:
        raise PainlitError(f"loso.subjects names no fold: {', '.join(unknown)}", "use subject names as in samples.csv")
    return [fold for fold in every if not subjects or fold.name in subjects]


def _folder(run: Path, fold: Fold) -> Path:
    return run / "folds" / fold.name
