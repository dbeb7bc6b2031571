"""`make finetune`: one pain model on all subjects, or on all but `finetune.held_out`.

A stopped run goes on from its last checkpoint. Leaves runs/finetune/<run>/{config.yaml, checkpoints/, weights/,
metrics.json}, and predictions.csv if subjects were held out. With train.joint=true the Spatial-Module is trained too
and lies beside the pain model's weights, for `make embed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_modules.pain_clips import load_pain_clips
from experiments.command import main
from painlit.config import Config
from painlit.errors import PainlitError
from painlit.files import read_json
from painlit.loso.fold import run_fold
from painlit.loso.protocols import Fold
from painlit.loso.run_lock import run_lock
from painlit.weights import save_weights


@dataclass(frozen=True)
class FinetuneResult:
    """What `make finetune` left."""

    folder: Path
    weights: Path
    metrics: dict[str, Any]


def run(config: Config) -> FinetuneResult:
    """Train one model and write its weights."""
    folder = config.folder("finetune")
    weights = folder / "weights" / "pain.safetensors"
    if (folder / "metrics.json").is_file():
        print(f"{folder} is finished; give name=… for another run")
        return FinetuneResult(folder, weights, read_json(folder / "metrics.json"))
    clips = load_pain_clips(config)
    unknown = sorted(set(config.finetune.held_out) - set(clips.subject_names))
    if unknown:
        raise PainlitError(f"finetune.held_out: no usable clip of {', '.join(unknown)}", "use names as in samples.csv")
    test = tuple(sorted(config.finetune.held_out))
    train = tuple(s for s in clips.subject_names if s not in test)
    with run_lock(folder):
        module, metrics = run_fold(config, Fold("finetune", train, test), clips, folder)
        about = {"stage": "finetune", "data": config.data.name, "subjects": list(train), "config": config.to_dict()}
        save_weights(weights, module.model, about)
        if module.embedder is not None:
            spatial = config.to_dict()["spatial"]
            save_weights(
                weights.with_name("spatial.safetensors"), module.embedder.spatial, {**about, "spatial": spatial}
            )
    print(f"weights: {weights.parent}")
    return FinetuneResult(folder, weights, metrics)


if __name__ == "__main__":
    main(run, __doc__)
