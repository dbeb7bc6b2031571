"""A whole leave-one-subject-out run: the folds that are not finished, then the evaluation of all that are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from painlit.clips.sources import check_label_leakage
from painlit.config import Config
from painlit.errors import PainlitError
from painlit.loso.comparison import compare
from painlit.loso.data import FoldData
from painlit.loso.engines import engine_for
from painlit.loso.findings import finding_remarks, findings
from painlit.loso.finished import FOLD_FORMAT, accepted, binding, check_folds, is_finished, read_folds, read_metrics
from painlit.loso.job import FoldJob, Outcomes
from painlit.loso.progress import loso_progress
from painlit.loso.protocols import Fold, folds
from painlit.loso.remarks import remarks
from painlit.loso.results import evaluate
from painlit.loso.simple_baselines import compare_simple, simple_predictions
from painlit.loso.training_results import training_remarks, training_results
from painlit.runs.artefact import write_artefact
from painlit.runs.code import CODE, code_digest
from painlit.runs.folder import check_fingerprint, fingerprint, has_work, is_held
from painlit.runs.provenance import provenance, save_config
from painlit.runs.tracking import check_credentials
from painlit.system.files import read_json, waiting_lock, write_json

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


def run_loso(config: Config, data: FoldData) -> LosoResult:
    """Run the folds that are not finished, then evaluate all that are; with loso.dry_run only estimate hours.

    Several calls may work on one run at the same time, on one machine or on several that share its folder: each takes
    folds that nobody holds, and waits at the end for those of the others.

    Args:
        config: The run's configuration.
        data: All usable clips, and what models start from.
    """
    check_credentials(config.log)
    clips, sources = data.clips, data.sources
    every = folds(config, clips)
    check_label_leakage(sources, [subject for fold in every for subject in fold.test])
    chosen = _chosen(every, config.loso.subjects)
    folder = config.folder("loso")
    made_from = {
        **clips.fingerprints(),
        **sources.digests(),
        "format": FOLD_FORMAT,
        CODE: code_digest(type(data).__module__),
    }
    now = fingerprint(config, made_from, "pain", "evaluation")
    if config.loso.dry_run:
        if has_work(folder):
            check_fingerprint(folder, now, accept=accepted(config))
        return _dry_run(config, data, chosen, folder)
    places = [_folder(folder, fold) for fold in every]
    with waiting_lock(folder):
        in_use = any(is_held(place) for place in places)
        check_fingerprint(folder, now, in_use, accepted(config))
        check_folds(places, now, accepted(config))
        save_config(config, folder)
    if clips.excluded:
        print(f"{len(clips.excluded)} clips are left out, see {config.folder('prepare') / 'problems.csv'}")
    pending = [fold.name for fold in chosen if not is_finished(_folder(folder, fold))]
    outcomes = _run_pending(config, pending, folder, len(chosen), data, now)
    with waiting_lock(folder):
        _record(folder, outcomes.failed)
        results = _evaluate(config, data, every, folder, now)
    for name, reason in outcomes.failed.items():
        print(f"fold {name} failed: {reason}")
    if outcomes.failed:
        print(f"{len(outcomes.failed)} folds failed; run the same command to try them again")
    return LosoResult(folder, outcomes.trained, outcomes.failed, results)


def _run_pending(
    config: Config, pending: list[str], folder: Path, total: int, data: FoldData, now: Mapping[str, Any]
) -> Outcomes:
    if not pending:
        print(f"all {total} folds are finished")
        return Outcomes()
    place, values = (folder / "folds").resolve(), config.to_dict()
    jobs = [FoldJob(name, place / name, values, data, now) for name in pending]
    with loso_progress(place, pending, total, config.train.epochs) as progress:
        return engine_for(config.loso.engine)(jobs, progress)


def _evaluate(
    config: Config, data: FoldData, every: list[Fold], folder: Path, now: Mapping[str, Any]
) -> dict[str, Any] | None:
    done = [place for fold in every if is_finished(place := _folder(folder, fold))]
    if not done:
        return None
    metrics = {place.name: read_metrics(place, binding(now, place.name)) for place in done}
    codes = {code for fold_metrics in metrics.values() for code in fold_metrics[CODE]}
    predictions = read_folds(done)
    evaluation, found = evaluate(predictions, data.clips.people), findings(predictions)
    finished = [fold for fold in every if fold.name in metrics]
    simple, training = simple_predictions(config, data, finished, folder, now), training_results(done, metrics)
    results = {
        "run": config.run_name,
        "task": config.task,
        "modality": config.model.modality,
        "spatial_stage": data.sources.spatial_stage,
        "weights_differ": data.sources.differs,
        "protocol": config.loso.protocol,
        "selection": config.loso.selection,
        "folds": len(every),
        "folds_done": len(done),
        "remarks": [
            *finding_remarks(found, evaluation["subjects"], evaluation["pooled"]["accuracy"]),
            *(training_remarks(training, config.model.augmnet) if config.loso.selection == "last" else []),
            *remarks(config, data.clips, data.sources, len(codes)),
        ],
        "excluded_clips": data.clips.excluded,
        **evaluation,
        "findings": found,
        "training": training,
        "simple_baselines": compare_simple(predictions, simple),
        "provenance": {**provenance(), "made_from": dict(now), CODE: sorted(codes)},
    }
    if config.loso.selection == "oracle":
        results["optimism"] = compare(read_folds(done, "predictions_last.csv"), predictions)
    write_artefact(folder / "results.json", results, now)
    return results


def _dry_run(config: Config, data: FoldData, chosen: list[Fold], folder: Path) -> LosoResult:
    from painlit.loso.dry_run import estimate, print_estimate  # here, because it imports Lightning

    found = estimate(config, data, chosen, folder / "folds")
    print_estimate(config, found)
    return LosoResult(folder, [], {}, None, found)


def _record(folder: Path, failed: dict[str, str]) -> None:
    """Which folds failed and why, those of earlier calls too until they are finished; no file if there are none."""
    path = folder / "failures.json"
    before = read_json(path) if path.is_file() else {}
    known = before if isinstance(before, dict) else {}
    failed = {name: why for name, why in {**known, **failed}.items() if not is_finished(folder / "folds" / name)}
    if failed:
        write_json(path, failed)
    else:
        path.unlink(missing_ok=True)


def _chosen(every: list[Fold], subjects: list[str]) -> list[Fold]:
    unknown = sorted(set(subjects) - {fold.name for fold in every})
    if unknown:
        raise PainlitError(
            f"loso.subjects names no fold: {', '.join(unknown)}",
            "use names of subjects, or of folds, as `--dry-run` lists them",
        )
    return [fold for fold in every if not subjects or fold.name in subjects]


def _folder(run: Path, fold: Fold) -> Path:
    return run / "folds" / fold.name
