"""Stage 1 on the 40 people of the ORL set: verification of strangers, the closed set, and raw pixels beside them.

Verification: 30 people are learnt, all pairs of the images of the 10 others are judged. Closed set: of each of the 40
people 7 images are learnt and 3 recognised. Both run `make pretrain-stage1` with experiments/orl.yaml, from scratch;
finished runs are read again. Other `key=value` arguments reach the configuration.
"""

import torch

from data_modules.photographs.face_datamodule import FaceDataModule
from experiments import pretrain_stage1
from experiments.bench.data import given
from experiments.bench.pixels import grey_pixels, nearest_neighbour_accuracy, opened
from painlit.config import Config, load
from painlit.training.verification import Verification

SETTINGS = ["config=experiments/orl.yaml", "runs=runs/bench"]
VERIFICATION = ["stage1.held_out=0.25", "stage1.validation_share=0", "name=orl-verification"]
CLOSED_SET = ["stage1.held_out=0", "stage1.validation_share=0.3", "name=orl-closed-set"]


def verify_pixels(config: Config) -> dict[str, float]:
    """Verification with grey pixels for embeddings."""
    data, verification = opened(FaceDataModule(config)), Verification()
    pixels = grey_pixels(config, data.indices[0], data.verification_rows)
    verification.update(torch.from_numpy(pixels), torch.from_numpy(data.labels[0][data.verification_rows]))
    return verification.compute()


def main() -> None:
    """Train both, or read what finished runs left, and print their figures."""
    verification, closed_set = (load([*SETTINGS, *part, *given()]) for part in (VERIFICATION, CLOSED_SET))
    found = pretrain_stage1.run(verification).metrics
    pixels = verify_pixels(verification)
    top1 = pretrain_stage1.run(closed_set).metrics
    right, of = nearest_neighbour_accuracy(opened(FaceDataModule(closed_set)))
    print(f"verification of 10 people not learnt, {pixels['pairs']} pairs (raw pixels in brackets):")
    for key in ("auc", "eer", "tar_at_far_1e-3"):
        print(f"  {key} {found[f'val/{key}']:.4f} ({pixels[key]:.4f})")
    print(f"closed set, 40 people, {of} images: top-1 {top1['val/accuracy']:.4f} ({right / of:.4f})")
