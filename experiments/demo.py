"""`make demo`: makes data in the layouts of the real data sets, then runs every stage on it as on the real ones.

A second run finds everything finished. The data are variants of one portrait and synthesised heartbeats: the demo shows
that the stages run, learn and hand over, and says nothing about people, feelings or pain.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.command import main
from painlit.config import CLASS_NAMES, Config

if TYPE_CHECKING:
    from painlit.loso.run import LosoResult

DEFAULTS = Path(__file__).with_name("demo.yaml")
"""Settings of the demo, wherever the package is installed."""
SUBJECTS, CLIPS_PER_CLASS = 12, 5
SECONDS, SPELLS = 45.0, ((12.0, 20.0), (30.0, 38.0))
"""Length of the recording that is assessed at the end, and when its face and heart are as in the highest class."""
MODALITIES = ("video", "heart_rate", "fusion")


@dataclass(frozen=True)
class DemoResult:
    """The results of the demo's stages."""

    stage1: dict[str, dict[str, Any]]
    """Network -> metrics.json of its stage 1."""
    stage2: dict[str, Any]
    """metrics.json of stage 2."""
    loso: dict[str, LosoResult]
    """Modality -> its leave-one-subject-out."""
    assessment: Path
    """Folder of the assessed recording."""

    @property
    def exit_status(self) -> int:
        """1 if a fold failed."""
        return max(result.exit_status for result in self.loso.values())


def run(config: Config, subjects: int = SUBJECTS, clips_per_class: int = CLIPS_PER_CLASS) -> DemoResult:
    """Make the data, then run each step as its own make target would.

    Args:
        config: Settings of every step, as in experiments/demo.yaml.
        subjects: Of the clips.
        clips_per_class: Of each subject and class.
    """
    started = time.monotonic()
    # Imported here, so that the processes that work for the steps, which import this module, do not wait for it.
    from data_modules.demo.clips import make_recording
    from data_modules.demo.heartbeats import make_demo_heartbeats
    from experiments import assess, bundle, embed, loso, prepare, pretrain_ecg, pretrain_stage1, pretrain_stage2
    from painlit.system.processes import share_cores

    share_cores()  # pictures and networks this small are faster on one thread, beside the processes that decode
    _title("demo data: photographs, videos and ECG, made of one portrait and one heartbeat")
    _make_pictures(config, subjects, clips_per_class)
    make_demo_heartbeats(Path(config.ecg.roots.mitbih).parent, config.seed)
    _title("pretrain-stage1: whose face is it? The Spatial-Module")
    stage1 = {"spatial": pretrain_stage1.run(config).metrics}
    _title("pretrain-stage1 again: the same for the Temporal-Module, on flattened images")
    temporal = replace(config, name=f"{config.name}-temporal", stage1=replace(config.stage1, network="temporal"))
    stage1["temporal"] = pretrain_stage1.run(temporal).metrics
    _title("pretrain-stage2: which expression is it? The Spatial-Module goes on, on four sets at once")
    stage2 = pretrain_stage2.run(config).metrics
    _title("pretrain-ecg: which kind of heartbeat is it? The Heart Rate Encoder, on two collections at once")
    pretrain_ecg.run(config)
    _title("prepare: where the face is in each frame, how fast the heart beats in each second")
    prepare.run(config)
    _title("embed: the Spatial-Module's embedding of each frame and its tiles")
    embed.run(config)
    results = {}
    for modality in MODALITIES:
        _title(f"loso, {modality.replace('_', ' ')}: train on all subjects but one, test on that one, for each")
        results[modality] = loso.run(
            replace(config, name=f"{config.name}-{modality}", model=replace(config.model, modality=modality))
        )
    _title("bundle: the models of all folds in one folder, with the figures that they can be expected to reach")
    names, out = [f"{config.name}-{modality}" for modality in MODALITIES], Path(config.runs) / "bundle" / config.name
    made = bundle.run(replace(config, bundle=replace(config.bundle, runs=names, out=str(out))))
    _title(f"assess: {SECONDS:.0f} s of a person unseen by every step, with an expression that comes and goes twice")
    video, ecg = make_recording(Path(config.data.root).parent, config.clip, subjects + 1, SPELLS, SECONDS, config.seed)
    folder = Path(config.runs) / "assess" / config.name
    wanted = replace(
        config.assess, recording=str(video), ecg=str(ecg), model=str(made.path), out=str(folder), faces="show"
    )
    assess.run(replace(config, assess=wanted))
    result = DemoResult(stage1, stage2, results, folder)
    _print_summary(config, result)
    seconds = time.monotonic() - started
    print(f"\n{seconds:.0f} s in all. Everything is in {config.runs}/; see Outputs in the README.")
    return result


def emotion_classes() -> dict[str, int]:
    """Set of stage 2 -> its number of classes."""
    from data_modules.photographs.affectnet import AFFECTNET_CLASSES
    from data_modules.photographs.cfee import CFEE_CLASSES
    from data_modules.photographs.raf_db import RAF_BASIC_CLASSES, RAF_COMPOUND_CLASSES

    return {
        "affectnet": len(AFFECTNET_CLASSES),
        "cfee": len(CFEE_CLASSES),
        "raf_basic": len(RAF_BASIC_CLASSES),
        "raf_compound": len(RAF_COMPOUND_CLASSES),
    }


def _make_pictures(config: Config, subjects: int, clips_per_class: int) -> None:
    """Photographs and clips, unless they are there, each with a progress bar of its own."""
    from data_modules.demo.clips import is_complete, make_demo
    from data_modules.demo.image_sets import DEMO_IMAGES, images_are_complete, make_demo_images
    from painlit.system.processes import start_server
    from painlit.system.progress import progress_bar

    photographs, clips = Path(config.stage1.root).parent, Path(config.data.root)
    if images_are_complete(photographs) and is_complete(clips):
        return
    start_server()  # it imports what loaders and folds need while the pictures are drawn
    with progress_bar("make photographs", total=DEMO_IMAGES) as advance:
        make_demo_images(photographs, config.seed, advance)
    labels = [CLASS_NAMES.index(name) for name in config.classes]
    with progress_bar("make clips", total=subjects * clips_per_class * len(config.classes)) as advance:
        make_demo(clips, config.clip, subjects, clips_per_class, labels, config.seed, advance=advance)


def _print_summary(config: Config, result: DemoResult) -> None:
    """One table: each figure beside what guessing gives."""
    from rich.table import Table

    from painlit.system.terminal import console

    table = Table(title="the demo in figures (%); no pain data", title_justify="left")
    for column in ("stage", "figure", "", "95 % interval over subjects", "chance"):
        table.add_column(column, justify="left" if column in ("stage", "figure") else "right")
    for network, metrics in result.stage1.items():
        table.add_row(
            "pretrain-stage1", f"same person or not, {network}: AUC", _percent(metrics.get("val/auc")), "", "50.0"
        )
    for name, classes in emotion_classes().items():
        value = result.stage2.get(f"val/{name}/accuracy")
        table.add_row(
            "pretrain-stage2", f"{name}, {classes} classes: accuracy", _percent(value), "", _percent(1 / classes)
        )
    for modality, loso in result.loso.items():
        table.add_row(
            "loso",
            f"{modality.replace('_', ' ')}: accuracy",
            *_accuracy(loso.results),
            _percent(1 / len(config.classes)),
        )
    console(110).print("\n", table)


def _accuracy(results: Mapping[str, Any] | None) -> tuple[str, str]:
    """The pooled accuracy and its interval; nothing where no fold is finished."""
    if results is None:
        return "", ""
    low, high = results["interval_95"]["accuracy"]
    return _percent(results["pooled"]["accuracy"]), f"{_percent(low)} to {_percent(high)}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}"


def _title(text: str) -> None:
    print(f"\n{text}", flush=True)


if __name__ == "__main__":
    main("demo")
