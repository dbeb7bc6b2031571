"""Stage 2 on the London faces: neutral or smiling, five folds with disjoint people.

From scratch, after stage 1 on the ORL people (none of whom is in the London set), and the nearest neighbour among raw
pixels. Runs both stages with the settings of the benchmark `proxy`, experiments/proxy_stage1.yaml and
proxy_stage2.yaml; finished runs are read again. Other `key=value` arguments reach stage 2.
"""

import torch

from data_modules.photographs.emotion_datamodule import EmotionDataModule
from experiments import pretrain_stage1, pretrain_stage2
from experiments.bench.data import RUNS, given
from experiments.bench.london import Scores, folds, london_people, make_fold, of_all, summary
from experiments.bench.pixels import nearest_neighbour_accuracy, opened
from painlit.config import Config, load
from painlit.tasks.emotion_multitask import EmotionMultitask


def scores_of(config: Config) -> Scores:
    """Scores of the validation photographs of a stage-2 run, which is run if it is not finished."""
    checkpoint = pretrain_stage2.run(config).folder / "checkpoints" / "last.ckpt"
    module = EmotionMultitask.load_from_checkpoint(checkpoint, map_location="cpu", weights_only=True).eval()
    data = opened(EmotionDataModule(config))
    (index,), (rows,) = data.indices, data.validation_rows
    with torch.inference_mode():
        logits = torch.cat([module.heads["folders"](module(batch["images"])) for batch in data.val_dataloader()])
    photographs = [(index.path(int(row)).stem, int(index.labels[row])) for row in rows]
    return dict(zip(photographs, (logits[:, 1] - logits[:, 0]).tolist(), strict=True))


def main() -> None:
    """Run all folds, or read what finished runs left, and print the figures."""
    people = london_people()
    weights = pretrain_stage1.run(load(["config=experiments/proxy_stage1.yaml", f"runs={RUNS}"])).weights
    pixels: list[tuple[int, int]] = []
    scratch: list[Scores] = []
    after_stage1: list[Scores] = []
    for number, test in enumerate(folds(people)):
        root = make_fold(people, test, RUNS / "london" / f"fold{number}")
        settings = ["config=experiments/proxy_stage2.yaml", f"stage2.roots.folders={root}", f"runs={RUNS}", *given()]
        config = load([*settings, "stage2.weights=untrained", f"name=london-scratch-{number}"])
        pixels.append(nearest_neighbour_accuracy(opened(EmotionDataModule(config))))
        scratch.append(scores_of(config))
        after_stage1.append(scores_of(load([*settings, f"stage2.weights={weights}", f"name=london-{number}"])))
    print("neutral or smiling, people not learnt from (95 % interval of the share, Wilson):")
    print(f"  raw pixels: {of_all(sum(right for right, _ in pixels), sum(of for _, of in pixels))}")
    print(f"  from scratch: {summary(scratch)}")
    print(f"  after stage 1: {summary(after_stage1)}")
