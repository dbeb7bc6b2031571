"""One fold: train on some subjects, predict the clips of the others, leave the evidence.

folds/<name>/config.yaml, checkpoints/last.ckpt, predictions.csv, log.txt, and last of all metrics.json,
which exists if and only if the fold is finished.
"""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from data_modules.biovid_datamodule import BioVidDataModule
from data_modules.pain_clips import PainClips, load_pain_clips
from painlit.config import Config
from painlit.embeddings import FrameEmbedder
from painlit.files import write_json, write_text
from painlit.loso.metrics import summary
from painlit.loso.protocols import Fold, folds, with_selection
from painlit.pretrained import (
    load_pretrained_heart_rate_encoder,
    load_pretrained_temporal_module,
    pretrained_spatial_module,
)
from painlit.provenance import save_config
from painlit.seeds import derive_seed
from painlit.tasks import PainAssessment
from painlit.training import ResumePoint, Run, fit, load_best, quiet_lightning


def run_named_fold(config: Config, name: str) -> None:
    """Run the fold of that name under runs/loso/<run>/folds; what a fold process does."""
    clips = load_pain_clips(config)
    fold = next(f for f in folds(config.loso.protocol, clips.subject_names) if f.name == name)
    folder = config.folder("loso") / "folds" / name
    _, metrics = run_fold(config, fold, clips, folder)
    write_json(folder / "metrics.json", metrics)


def run_fold(config: Config, fold: Fold, clips: PainClips, folder: Path) -> tuple[PainAssessment, dict[str, Any]]:
    """Train and test one fold, going on where an earlier process was stopped.

    Args:
        config: The run's configuration.
        fold: Its subjects; `test` may be empty.
        clips: All usable clips.
        folder: Where the fold leaves what it makes.

    Returns:
        The trained module, and the metrics that the caller writes to metrics.json when all else is written.
    """
    started = time.monotonic()
    quiet_lightning()
    fold = with_selection(fold, config.loso.selection, config.loso.inner_share, config.seed)
    select = bool(fold.validation)
    seed = derive_seed(config.seed, fold.name)
    save_config(config, folder)
    data = BioVidDataModule(clips, config, fold.train, fold.validation, fold.test, seed)
    module = PainAssessment(config.to_dict(), seed)
    if module.embedder is not None:
        pretrained = pretrained_spatial_module(config, config.embed.weights)
        module.embedder = FrameEmbedder(pretrained.spatial, pretrained.normalise)
    load_pretrained_temporal_module(config, module.model.temporal)
    if module.model.heart_rate_encoder is not None:
        load_pretrained_heart_rate_encoder(config, module.model.heart_rate_encoder)
    if config.model.normalise_embeddings and config.model.uses_video:
        module.model.set_embedding_statistics(*data.embedding_statistics())
    run = Run(folder, group=config.run_name, name=fold.name, kind="fold", config=config)
    resume = ResumePoint(folder / "checkpoints" / "last.ckpt", config.train.checkpoint_every)
    trainer = fit(module, data, config.train, run, resume=resume, select=select, devices=1)
    epoch = load_best(module, folder) if select else config.train.epochs
    metrics: dict[str, Any] = {
        "fold": fold.name,
        "task": config.task,
        "modality": config.model.modality,
        "selection": config.loso.selection,
        "epoch": epoch,
        "train_clips": len(data.train),
        "train_loss": float(trainer.callback_metrics["train/loss"]) if trainer.callback_metrics else None,
        "subjects": {"train": fold.train, "validation": fold.validation, "test": fold.test},
    }
    if fold.test:
        at, probabilities = _predict(trainer, module, data)
        write_text(folder / "predictions.csv", predictions_csv(clips, at, probabilities))
        metrics["test"] = summary(clips.labels[at], probabilities)
    metrics["seconds"] = round(time.monotonic() - started, 1)
    return module, metrics


def _predict(trainer: Any, module: PainAssessment, data: BioVidDataModule) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the test clips, (n,), and their class probabilities, (n, classes)."""
    batches = trainer.predict(module, data.predict_dataloader())
    at = torch.cat([batch["clip"] for batch in batches]).cpu().numpy()
    return at, torch.cat([batch["probabilities"] for batch in batches]).cpu().numpy().astype(np.float64)


def predictions_csv(clips: PainClips, at: np.ndarray, probabilities: np.ndarray) -> str:
    """One row per test clip: clip, subject, label, prediction, and a probability per class."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["clip", "subject", "label", "prediction", *(f"p{k}" for k in range(probabilities.shape[1]))])
    for position, p in zip(at, probabilities, strict=True):
        row = [clips.names[position], clips.subjects[position], int(clips.labels[position]), int(p.argmax())]
        writer.writerow([*row, *(f"{value:.8f}" for value in p)])
    return text.getvalue()
