"""From the folder of a finished run to the content of a bundle; each file is verified before it is used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from painlit.config import Config, SpatialConfig, flat, group, load, values_affecting, values_before
from painlit.errors import PainlitError
from painlit.inference.bundles.expected import LosoRun, matching_run, refuse_controls
from painlit.inference.bundles.predicted_again import HeldOutClips
from painlit.inference.bundles.run_embedder import run_embedder, run_embeddings
from painlit.inference.bundles.trained_run import TrainedEmbedder, TrainedModel, TrainedRun, started_from
from painlit.loso.finished import binding
from painlit.runs.artefact import DamagedError, read_artefact, refuse_changes
from painlit.tasks import PainAssessment
from painlit.training.checkpoints import SealedCheckpointIO
from painlit.weights.files import load_weights, read_weights
from painlit.weights.networks import build_frame_embedder, build_pain_model


def loso_run(runs: Path, name: str, folds: Sequence[str] = (), weights: str = "auto") -> TrainedRun:
    """A finished run of `make loso`: a model of each fold.

    Args:
        runs: Folder of everything.
        name: The run's.
        folds: Names of the folds to take; empty takes all.
        weights: Where the Spatial-Module of its embeddings is now, if it was moved.

    Raises:
        PainlitError: The run is not finished, a fold is not one of its own, or a file is missing or damaged.
    """
    run = LosoRun.open(runs / "loso" / name)
    config = replace(run.config, runs=str(runs))
    unknown = sorted({*folds} - {*run.folds})
    if unknown:
        raise PainlitError(f"{run.folder} has no fold {', '.join(unknown)}", f"bundle.folds: {', '.join(run.folds)}")
    chosen = {name: run.folds[name] for name in run.folds if not folds or name in folds}
    for fold in chosen:
        if not _checkpoint(run, fold).is_file():
            raise PainlitError(
                f"{_checkpoint(run, fold)} is missing, and the fold's weights with it",
                f"delete {run.folder / 'folds' / fold} and run `make loso` again, or choose other folds: bundle.folds=",
            )

    def models() -> Iterator[TrainedModel]:
        shared = run_embedder(config, weights) if config.cached else None
        held_out = HeldOutClips.of(config, weights)
        for number, (fold, metrics) in enumerate(chosen.items(), start=1):
            module, epoch = _of_checkpoint(run, fold)
            if epoch != metrics["epoch"]:
                raise DamagedError(
                    f"{_checkpoint(run, fold)} is of epoch {epoch}, and epoch {metrics['epoch']} was tested",
                    f"delete {run.folder / 'folds' / fold} and run `make loso` again",
                )
            held_out.check(module.model, run.folder / "folds" / fold)
            embedder = shared or _joint_embedder(module, f"{config.model.modality}-{number:03}", metrics, config)
            yield _model(fold, module.model, embedder, metrics)

    return TrainedRun(
        folder=run.folder,
        stage="loso",
        config=config,
        folds={fold: metrics["subjects"] for fold, metrics in chosen.items()},
        embeddings=_embeddings(config, weights),
        models=models,
        started_from=started_from(run.made_from),
        made_by={key: run.results["provenance"][key] for key in ("commit", "versions")},
        figures=run.figures(),
        temperature=run.temperature(),
    )


def finetune_run(runs: Path, name: str, weights: str = "auto", loso: str = "") -> TrainedRun:
    """A finished run of `make finetune`: its one model, with the figures of the run of `make loso` that fits it.

    Args:
        runs: Folder of everything.
        name: The run's.
        weights: Where the Spatial-Module of its embeddings is now, if it was moved.
        loso: Run of `make loso` that has the figures; empty takes the one of the same name, if it fits.

    Raises:
        PainlitError: The run is not finished, `loso` names a run that does not fit, or a file is missing or
            damaged.
    """
    folder = runs / "finetune" / name
    again = f"delete {folder} and run `make finetune` again"
    if not (folder / "metrics.json").is_file():
        raise PainlitError(f"{folder} has no metrics.json", "finish that run with `make finetune` first")
    config = replace(load([f"config={folder / 'config.yaml'}"]), runs=str(runs))
    refuse_controls(folder, config)
    fingerprint = read_artefact(folder / "fingerprint.json", again)
    now = values_affecting(config, "pain")
    refuse_changes(
        folder / "config.yaml", {key: fingerprint[key] for key in now if key in fingerprint}, now, "set these back"
    )
    metrics = read_artefact(folder / "metrics.json", again, fingerprint)
    pain = folder / "weights" / "pain.safetensors"
    _, about = read_weights(pain)
    if _but_seconds(about.get("metrics", {})) != _but_seconds(metrics):
        raise DamagedError(f"{pain} is not of the run {folder}", again)
    expected, remark = matching_run(runs, name, loso or config.finetune.loso, fingerprint)

    def models() -> Iterator[TrainedModel]:
        network = build_pain_model(
            config.model, len(config.classes), config.clip.used_frames, config.spatial.embed_dim,
            config.clip.heart_rates,
        )  # fmt: skip
        load_weights(pain, network)
        embedder = run_embedder(config, weights) if config.cached else None
        if config.joint:
            settings = about["spatial"]
            whole = build_frame_embedder(group(SpatialConfig, settings))
            learnt = load_weights(pain.with_name("spatial.safetensors"), whole.spatial)
            embedder = TrainedEmbedder(
                "spatial", whole, settings, "finetune", config.data.name, tuple(learnt["subjects"])
            )
        if metrics["subjects"]["test"]:
            HeldOutClips.of(config, weights).check(network, folder)
        yield _model(None, network, embedder, metrics)

    return TrainedRun(
        folder=folder,
        stage="finetune",
        config=config,
        folds={None: metrics["subjects"]},
        embeddings=_embeddings(config, weights),
        models=models,
        started_from=started_from(fingerprint),
        made_by={key: about[key] for key in ("commit", "versions")},
        figures=expected.figures() if expected else None,
        temperature=expected.temperature() if expected else None,
        remarks=[remark],
    )


def _checkpoint(run: LosoRun, fold: str) -> Path:
    """The checkpoint of the epoch that was tested."""
    name = "last.ckpt" if run.config.loso.selection == "last" else "best.ckpt"
    return run.folder / "folds" / fold / "checkpoints" / name


def _of_checkpoint(run: LosoRun, fold: str) -> tuple[PainAssessment, int]:
    """A fold's module as it was tested, and its epoch, counted from 1."""
    remedy = f"delete {run.folder / 'folds' / fold} and run `make loso` again"
    checkpoint = SealedCheckpointIO(binding(run.made_from, fold), remedy).load_checkpoint(_checkpoint(run, fold))
    module = PainAssessment(**checkpoint["hyper_parameters"])
    module.load_state_dict(checkpoint["state_dict"])
    return module.eval(), int(checkpoint["epoch"]) + 1


def _joint_embedder(
    module: PainAssessment, name: str, metrics: Mapping[str, Any], config: Config
) -> TrainedEmbedder | None:
    """The Spatial-Module that a fold has trained, if it has."""
    if module.embedder is None:
        return None
    subjects = tuple(metrics["subjects"]["train"])
    return TrainedEmbedder(name, module.embedder, module.hparams["spatial"], "loso", config.data.name, subjects)


def _embeddings(config: Config, weights: str) -> dict[str, Any] | None:
    """Settings and digests of the embeddings, to compare runs."""
    if not config.model.uses_video:
        return None
    settings = values_affecting(config, "embed") if config.joint else run_embeddings(config, weights).settings
    return {"train.joint": config.joint, **values_before(values_affecting(config, "embed")), **flat(dict(settings))}


def _model(
    fold: str | None, network: Any, embedder: TrainedEmbedder | None, metrics: Mapping[str, Any]
) -> TrainedModel:
    subjects = {key: tuple(metrics["subjects"][key]) for key in ("train", "validation", "test")}
    return TrainedModel(
        fold, network.eval(), embedder, subjects["train"], subjects["validation"], subjects["test"], metrics["epoch"]
    )


def _but_seconds(metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in metrics.items() if key != "seconds"}
