"""One fold: train on some subjects, predict the clips of the others, leave the evidence.

folds/<name>/config.yaml, checkpoints/last.ckpt, curves.csv, predictions.csv, log.txt, and last of all metrics.json,
which exists if and only if the fold is finished.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch.callbacks import LambdaCallback

from painlit.clips.pain_clips import PainClips
from painlit.config import Config
from painlit.errors import PainlitError
from painlit.loso.data import FoldData
from painlit.loso.learning_curves import LearningCurves
from painlit.loso.metrics import METRICS, cross_entropy, summary
from painlit.loso.progress import write_epoch
from painlit.loso.protocols import Fold, with_selection
from painlit.loso.results import COLUMNS
from painlit.loso.training_results import CURVES_FILE, write_curves
from painlit.runs.artefact import write_artefact
from painlit.runs.provenance import save_config
from painlit.runs.tracking import end_logging, pseudonyms
from painlit.system.csv_files import write_csv
from painlit.system.digests import file_digest
from painlit.system.seeds import derive_seed
from painlit.tasks import PainAssessment
from painlit.training.callbacks import TrainingTime
from painlit.training.checkpoints import ResumePoint, load_best
from painlit.training.trainer import Run, fit, quiet_lightning

BASELINES = "baselines.json"
"""What was subtracted from the inputs of the fold's test subjects, with a `data.baseline`."""


def run_fold(
    config: Config, fold: Fold, data: FoldData, folder: Path, made_from: Any, kind: str = "fold"
) -> tuple[PainAssessment, dict[str, Any]]:
    """Train and test one fold, going on where an earlier process was stopped.

    Args:
        config: The run's configuration.
        fold: Its subjects; `test` may be empty.
        data: All usable clips, and what models start from.
        folder: Where the fold leaves what it makes.
        made_from: What the fold depends on; it goes on only from a checkpoint of the same.
        kind: Its job type in Weights & Biases, where folds are a group.

    Returns:
        The trained module, and the metrics that the caller writes to metrics.json when all else is written.
    """
    started = time.monotonic()
    quiet_lightning()
    fold = with_selection(fold, config.loso.selection, config.loso.inner_share, config.seed)
    select = bool(fold.validation)
    save_config(config, folder)
    module, data = fold_parts(config, fold, data)
    run = Run(
        folder,
        group=config.run_name if kind == "fold" else kind,
        name=pseudonyms(config.log, data.clips.subject_names).get(fold.name, fold.name),
        kind=kind,
        config=config,
        made_from=made_from,
        more={"fold_seed": module.seed},
    )
    resume = ResumePoint(folder / "checkpoints" / "last.ckpt", config.train.checkpoint_every)
    clock = TrainingTime()
    epoch_writer = LambdaCallback(on_train_epoch_end=lambda trainer, _: write_epoch(folder, trainer.current_epoch + 1))
    curves = LearningCurves(data.predict_dataloader if fold.test else None, config.train.epochs)
    callbacks = [epoch_writer, clock, curves]
    trainer = fit(module, data, config.train, run, resume=resume, callbacks=callbacks, select=select, devices=1)
    write_curves(folder / CURVES_FILE, curves.rows)
    last: dict[str, Any] = {}
    if (
        select and config.loso.selection == "oracle"
    ):  # the same training, tested at its last epoch: the gap is the bias of oracle
        last["last_epoch"] = _test(trainer, module, data, folder / "predictions_last.csv")
    epoch = load_best(module, folder, trainer.strategy.checkpoint_io) if select else config.train.epochs
    metrics: dict[str, Any] = {
        "fold": fold.name,
        "task": config.task,
        "modality": config.model.modality,
        "selection": config.loso.selection,
        "epoch": epoch,
        "train": _fitted(trainer, module, data),
        "curves": {"sha256": file_digest(folder / CURVES_FILE)},
        "subjects": {"train": fold.train, "validation": fold.validation, "test": fold.test},
    }
    if fold.test:
        if own := {name: data.clips.baselines[name].plain() for name in fold.test if name in data.clips.baselines}:
            write_artefact(folder / BASELINES, own, made_from)
        metrics |= {"test": _test(trainer, module, data, folder / "predictions.csv"), **last}
    if trainer.logger and "test" in metrics:
        trainer.logger.log_metrics({f"test/{name}": metrics["test"][name] for name in METRICS}, trainer.global_step)
    if kind == "fold":  # a stage's runner ends its run, with the weights; a process ends without notice
        end_logging(config.log)
    metrics |= {"seconds": round(time.monotonic() - started, 2), "training_seconds": round(clock.seconds, 2)}
    return module, metrics


def fold_parts(config: Config, fold: Fold, data: FoldData) -> tuple[PainAssessment, FoldData]:
    """The module with the weights that training starts from, and the fold's data."""
    seed, sources = derive_seed(config.seed, fold.name), data.sources
    data = data.divided(fold.train, fold.validation, fold.test, seed)
    joint = sources.spatial
    module = PainAssessment(
        len(config.classes),
        model=config.model,
        frames=config.clip.used_frames,
        embedding_dim=config.spatial.embed_dim,
        heart_rates=config.clip.heart_rates,
        spatial=replace(config.spatial, mean=joint.settings["mean"], std=joint.settings["std"]) if joint else None,
        train=config.train,
        seed=seed,
    )
    if joint and module.embedder is not None:
        joint.load_into(module.embedder.spatial)
    sources.temporal.load_into(module.model.temporal.perceiver)
    if sources.heart_rate_encoder and module.model.heart_rate_encoder is not None:
        sources.heart_rate_encoder.load_into(module.model.heart_rate_encoder)
    if config.model.normalise_embeddings and config.model.uses_video:
        module.model.set_embedding_statistics(*data.embedding_statistics())
    return module, data


def _fitted(trainer: Any, module: PainAssessment, data: FoldData) -> dict[str, Any]:
    """How well the tested weights classify the training clips, without augmentations: a third of an epoch's time.

    The last epoch's running accuracy would be of weights that still change, and of augmented clips.
    """
    at, probabilities = _predict(trainer, module, data.train_predict_dataloader())
    labels = data.train.labels[at]
    hits = probabilities.argmax(1) == labels
    return {"clips": len(at), "accuracy": float(hits.mean()), "loss": cross_entropy(labels, probabilities)}


def _test(trainer: Any, module: PainAssessment, data: FoldData, path: Path) -> dict[str, Any]:
    """Predict the test clips, write the predictions, and return their metrics with the file's digest."""
    at, probabilities = _predict(trainer, module, data.predict_dataloader())
    if not np.isfinite(probabilities).all():
        raise PainlitError(
            f"{path.parent.name}: the training diverged, its probabilities are not finite",
            f"lower train.lr or set train.precision=32-true, and delete {path.parent}",
        )
    write_csv(path, predictions_rows(data.clips, at, probabilities))
    return {**summary(data.clips.labels[at], probabilities), "sha256": file_digest(path)}


def _predict(trainer: Any, module: PainAssessment, loader: Any) -> tuple[np.ndarray, np.ndarray]:
    """Positions of a loader's clips, (n,), and their class probabilities, (n, classes)."""
    batches = trainer.predict(module, loader)
    at = torch.cat([batch["clip"] for batch in batches]).cpu().numpy()
    return at, torch.cat([batch["probabilities"] for batch in batches]).cpu().numpy().astype(np.float64)


def predictions_rows(clips: PainClips, at: np.ndarray, probabilities: np.ndarray) -> list[list[object]]:
    """A header, and of each test clip: clip, subject, label, prediction, and a probability per class."""
    rows: list[list[object]] = [[*COLUMNS, *(f"p{k}" for k in range(probabilities.shape[1]))]]
    for position, p in zip(at, probabilities, strict=True):
        row = [clips.names[position], clips.subjects[position], int(clips.labels[position]), int(p.argmax())]
        rows.append([*row, *(f"{value:.8f}" for value in p)])
    return rows
