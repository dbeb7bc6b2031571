"""`make demo`: makes data in the layouts of the real data sets, then runs every stage on it as on the real ones.

A second run finds everything finished. The data are variants of one portrait and synthesised heartbeats: the demo shows
that the stages run, learn and hand over, and says nothing about people, feelings or pain.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from data_modules.demo.clips import make_demo
from data_modules.demo.heartbeats import make_demo_heartbeats
from data_modules.demo.image_sets import make_demo_images
from experiments import embed, loso, prepare, pretrain_ecg, pretrain_stage1, pretrain_stage2
from experiments.command import main
from painlit.config import Config
from painlit.system.progress import progress_bar

if TYPE_CHECKING:
    from painlit.loso.run import LosoResult

SUBJECTS, CLIPS_PER_CLASS = 6, 4


def run(config: Config) -> LosoResult:
    """Make the data, then run each step as its own make target would."""
    started = time.monotonic()
    _title("demo data: photographs, videos and ECG, made of one portrait and one heartbeat")
    make_demo_images(Path(config.stage1.root).parent, config.seed)
    make_demo_heartbeats(Path(config.ecg.roots.mitbih).parent, config.seed)
    total = SUBJECTS * CLIPS_PER_CLASS * len(config.classes)
    with progress_bar("make clips", total=total) as advance:
        make_demo(
            Path(config.data.root), config.clip, SUBJECTS, CLIPS_PER_CLASS, config.classes, config.seed, advance=advance
        )
    _title("pretrain-stage1: whose face is it? The Spatial-Module")
    pretrain_stage1.run(config)
    _title("pretrain-stage1 again: the same for the Temporal-Module, on flattened images")
    pretrain_stage1.run(
        replace(config, name=f"{config.name}-temporal", stage1=replace(config.stage1, network="temporal"))
    )
    _title("pretrain-stage2: which expression is it? The Spatial-Module goes on, on four sets at once")
    pretrain_stage2.run(config)
    _title("pretrain-ecg: which kind of heartbeat is it? The Heart Rate Encoder, on two collections at once")
    pretrain_ecg.run(config)
    _title("prepare: where the face is in each frame, how fast the heart beats in each second")
    prepare.run(config)
    _title("embed: the Spatial-Module's embedding of each frame and its tiles")
    embed.run(config)
    _title("loso: train on all subjects but one, test on that one, for each")
    result = loso.run(config)
    print(
        f"\n{time.monotonic() - started:.0f} s in all. Everything is in {config.runs}/; the README tells what is what."
    )
    return result


def _title(text: str) -> None:
    print(f"\n{text}", flush=True)


if __name__ == "__main__":
    main("demo")
