"""`make demo`: makes data in BioVid's layout, then runs prepare, embed and loso on it, as on real recordings.

A second run finds everything finished. The data are an animated portrait and synthesised heartbeats: no pain data.
"""

from __future__ import annotations

import time
from pathlib import Path

from data_modules.demo import make_demo
from experiments import embed, loso, prepare
from experiments.command import main
from painlit.config import Config
from painlit.progress import progress_bar

SUBJECTS, CLIPS_PER_CLASS = 6, 4


def run(config: Config) -> loso.LosoResult:
    """Make the data, then run each step as its own make target would."""
    started = time.monotonic()
    _title("demo data: an animated portrait and synthesised ECG, in BioVid's layout")
    total = SUBJECTS * CLIPS_PER_CLASS * len(config.classes)
    with progress_bar("make clips", total=total) as advance:
        make_demo(
            Path(config.data.root), config.clip, SUBJECTS, CLIPS_PER_CLASS, config.classes, config.seed, advance=advance
        )
    _title("prepare: where the face is in each frame, how fast the heart beats in each second")
    prepare.run(config)
    _title("embed: the Spatial-Module's embedding of each frame and its tiles (random weights here)")
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
    main(run, __doc__, defaults=["config=experiments/demo.yaml"])
