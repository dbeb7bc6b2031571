"""The paper's Table 7: parameters and multiply-accumulates of each module, printed there and counted here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from painlit.config import Config
from painlit.models.augmnet import AugmNet
from painlit.models.complexity import macs, parameters
from painlit.weights.networks import build_heart_rate_encoder, build_spatial_module, build_temporal_module

PAPER = {
    "Spatial-Module": ("2.57", "1.19"),
    "Heart Rate Encoder": ("4.40", "0.82"),
    "AugmNet": ("1.02", "0.02"),
    "Temporal-Module": ("1.63", "0.43"),
    "Total": ("9.62", "2.46"),
}
"""Module -> parameters in M and "FLOPS" in G as Table 7 prints them, in its order."""
REMARKS = (
    "The paper's FLOPS are multiply-accumulates of linear and convolution layers, without attention products.",
    "AugmNet: 0.02 G as printed, 0.001 G with the widths that give its 1.02 M parameters; the text does not say what "
    "would make it 0.02 G.",
    "The total counts one image, one heart rate vector and one clip. A clip of 138 frames passes the Spatial-Module "
    "138 times, or 690 times with tiles.",
)
"""What a reader of the table must know."""


@dataclass(frozen=True)
class Counted:
    """A module's size."""

    module: str
    parameters: int
    macs: int
    """Of one image, one heart rate vector or one clip."""


def count_modules(config: Config, classes: int = 2) -> list[Counted]:
    """Size of each module of a configuration, and their total, in the paper's order.

    Args:
        config: Sizes of the networks and of a clip.
        classes: Class scores of the Temporal-Module; the paper counts two.
    """
    found = [*_modules(config, classes)]
    total = Counted("Total", sum(c.parameters for c in found), sum(c.macs for c in found))
    return [*found, total]


def same_sizes(ours: Sequence[Counted], others: Sequence[Counted]) -> bool:
    """Whether two counts are of modules of the same sizes."""
    return [(c.parameters, c.macs) for c in ours] == [(c.parameters, c.macs) for c in others]


def table7_rows(at_papers_size: Sequence[Counted], ours: Sequence[Counted]) -> list[list[str]]:
    """Table 7 as rows of cells: as printed, counted at the paper's sizes, and counted for a configuration."""
    header = ["module", "paper params (M)", "paper FLOPS (G)"]
    header += [
        f"{what} {unit}" for what in ("at the paper's sizes:", "this configuration:") for unit in ("params", "MACs")
    ]
    rows = [header]
    for one, other in zip(at_papers_size, ours, strict=True):
        rows.append(
            [one.module, *PAPER[one.module], *map(str, (one.parameters, one.macs, other.parameters, other.macs))]
        )
    return rows


def _modules(config: Config, classes: int) -> Iterator[Counted]:
    spatial, model, clip = config.spatial, config.model, config.clip
    size = clip.used_frames * spatial.embed_dim
    image = torch.zeros(1, 3, spatial.image_size, spatial.image_size)
    for name, module, x in (
        ("Spatial-Module", build_spatial_module(spatial), image),
        ("Heart Rate Encoder", build_heart_rate_encoder(model.heart_rate_encoder), torch.zeros(1, clip.heart_rates)),
        ("AugmNet", AugmNet(size, model.augmnet_hidden, model.augmnet_code), torch.zeros(1, size)),
        ("Temporal-Module", build_temporal_module(model.temporal, classes), torch.zeros(1, size)),
    ):
        yield Counted(name, parameters(module), macs(module, x))
