"""`make finetune`: one pain model on all subjects, or on all but `finetune.held_out`.

A stopped run goes on from its last checkpoint. Leaves runs/finetune/<run>/{config.yaml, checkpoints/, weights/,
metrics.json}, and predictions.csv if subjects were held out. With train.joint=true the Spatial-Module is trained too
and lies beside the pain model's weights, for `make embed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.command import main
from painlit.clips.pain_clips import data_fingerprints, learnt_subjects, load_pain_clips, refuse_tested_teachers
from painlit.config import Config
from painlit.errors import PainlitError
from painlit.loso.protocols import Fold
from painlit.runs.folder import check_fingerprint, fingerprint, run_lock
from painlit.system.files import read_json, write_json
from painlit.weights.files import save_weights
from painlit.weights.pretrained import weights_fingerprints, with_found_weights

if TYPE_CHECKING:
    from painlit.tasks import PainAssessment


@dataclass(frozen=True)
class FinetuneResult:
    """What `make finetune` left."""

    folder: Path
    weights: Path
    metrics: dict[str, Any]


def run(config: Config) -> FinetuneResult:
    """Train one model and write its weights."""
    from painlit.loso.fold import run_fold  # here, because importing Lightning takes seconds that --help need not wait

    config = with_found_weights(config)
    folder = config.folder("finetune")
    weights = folder / "weights" / "pain.safetensors"
    clips = load_pain_clips(config)
    fold = _fold(config, clips.subject_names)
    refuse_tested_teachers(config, fold.test)
    with run_lock(folder):
        data = {**data_fingerprints(config, clips), **weights_fingerprints(config), "held out": list(fold.test)}
        check_fingerprint(folder, fingerprint(config, data))
        if (folder / "metrics.json").is_file():
            print(f"{folder} is finished; give name=… for another run")
            return FinetuneResult(folder, weights, read_json(folder / "metrics.json"))
        module, metrics = run_fold(config, fold, clips, folder, kind="finetune")
        _save(module, config, fold, weights)
        write_json(folder / "metrics.json", metrics)  # last: it says that the run is finished
    print(f"weights: {weights.parent}")
    return FinetuneResult(folder, weights, metrics)


def _fold(config: Config, subjects: list[str]) -> Fold:
    held_out = sorted(set(config.finetune.held_out))
    unknown = sorted(set(held_out) - set(subjects))
    if unknown:
        raise PainlitError(f"finetune.held_out: no usable clip of {', '.join(unknown)}", "use names as in samples.csv")
    train = tuple(s for s in subjects if s not in held_out)
    if not train:
        raise PainlitError("finetune.held_out leaves nobody to train on", "hold out fewer subjects")
    return Fold("finetune", train, tuple(held_out))


def _save(module: PainAssessment, config: Config, fold: Fold, path: Path) -> None:
    about = {"stage": "finetune", "data": config.data.name, "subjects": list(fold.train), "config": config.to_dict()}
    save_weights(path, module.model, about)
    if module.embedder is not None:
        normalise = module.embedder.normalise
        about["subjects"] = sorted({*fold.train, *learnt_subjects(config)})
        about["spatial"] = {**config.to_dict()["spatial"], "mean": normalise.mean, "std": normalise.std}
        save_weights(path.with_name("spatial.safetensors"), module.embedder.spatial, about)


if __name__ == "__main__":
    main(run, __doc__)
