"""`make finetune`: one pain model on all subjects, or on all but `finetune.held_out`.

A stopped run goes on from its last checkpoint. Leaves runs/finetune/<run>/{config.yaml, checkpoints/, weights/,
metrics.json, bundle/}, and predictions.csv if subjects were held out. The bundle has all that it takes to assess
recordings, with the figures of the run of `make loso` that fits (finetune.loso). With train.joint=true the
Spatial-Module is trained too and lies beside the pain model's weights, for `make embed`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.command import main
from painlit.clips.sources import check_label_leakage
from painlit.config import Config
from painlit.errors import PainlitError
from painlit.loso.protocols import Fold

if TYPE_CHECKING:
    from torch import nn

    from painlit.training.stage import StageResult, Trained
    from painlit.training.trainer import Run

STAGE = "finetune"


def run(config: Config) -> StageResult:
    """Train one model and write its weights."""
    from data_modules.recordings.datamodule import PainDataModule
    from painlit.inference.bundles.expected import matching_run
    from painlit.loso.fold import run_fold
    from painlit.runs.folder import fingerprint
    from painlit.training.stage import Trained, run_stage

    data = PainDataModule(config)
    data.setup()
    config = data.config
    fold = _fold(config, data.clips.subject_names)
    check_label_leakage(data.sources, fold.test)

    def work(run: Run) -> Trained:
        module, metrics = run_fold(config, fold, data, run.folder, run.made_from, kind=STAGE)
        networks: dict[str, nn.Module] = {"pain": module.model}
        about: dict[str, Any] = {"data": config.data.name, "subjects": list(fold.train)}
        if module.embedder is not None and data.sources.spatial is not None:
            networks["spatial"] = module.embedder.spatial
            learnt_from = sorted({*fold.train, *data.sources.subjects})
            about |= {"subjects": learnt_from, "spatial": data.sources.spatial.settings}
        return Trained(networks, metrics, about)

    made_from = {**data.clips.fingerprints(), **data.sources.digests(), "held out": list(fold.test)}
    if config.finetune.loso:
        now = fingerprint(config, made_from, "pain")
        matching_run(Path(config.runs), config.run_name, config.finetune.loso, now)  # before hours of training
    result = run_stage(STAGE, config, ["pain"], made_from, "pain", work)
    _bundle(config, result.folder)
    return result


def _bundle(config: Config, folder: Path) -> None:
    """Write the bundle of a finished run, unless it is there with the figures known now."""
    from painlit.inference.bundles.bundle import Bundle
    from painlit.inference.bundles.expected import control
    from painlit.inference.bundles.finished_runs import finetune_run
    from painlit.inference.bundles.writing import write_bundle

    if why := control(config):
        print(f"no bundle: {why}")
        return
    run = finetune_run(Path(config.runs), folder.name, config.embed.weights, config.finetune.loso)
    place = folder / "bundle"
    try:
        there = Bundle.open(place).about["expected"][run.part] == run.figures
    except PainlitError:  # there is none, or not a whole one
        there = False
    if not there:
        print(*run.remarks, sep="\n")
        write_bundle(place, [run])
    print(f"bundle: {place}")


def _fold(config: Config, subjects: list[str]) -> Fold:
    held_out = sorted(set(config.finetune.held_out))
    unknown = sorted(set(held_out) - set(subjects))
    if unknown:
        raise PainlitError(
            f"finetune.held_out: no usable clip of {', '.join(unknown)}", "use names as the data set lists them"
        )
    train = tuple(s for s in subjects if s not in held_out)
    if not train:
        raise PainlitError("finetune.held_out leaves nobody to train on", "hold out fewer subjects")
    return Fold("finetune", train, tuple(held_out))


if __name__ == "__main__":
    main(STAGE)
