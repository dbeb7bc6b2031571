"""Maps on planted truth, on randomised weights, and on real faces.

- Pointing game: networks that learnt to classify three marks and none; how often a map's maximum lies on the mark in
  unseen images and clips, beside chance. `touches`: the patch or sub-patch of the maximum meets it.
- Randomised weights (Adebayo et al. 2018): rank correlation of a map with that of the same network whose layers are
  random from the head down to each block. A map that stays is a picture of the image, not of what was learnt.
- `--faces=FILE` also draws London people unseen by every stage, neutral and smiling, with what stages 1 and 2 see
  (the weights of `make bench ARGS=recipes`) to FILE.png and FILE.svg.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from experiments.bench.photographs import crops
from experiments.bench.planted_marks import CLASSES, clips, images, learn, share_within
from experiments.bench.proxy import PROXY, pretrain_faces, shown_in
from experiments.bench.taught import taught_spatial
from painlit.config import load
from painlit.inference.maps.face_maps import whole_crops
from painlit.inference.maps.pretrained_heads import emotion_head, identity_head
from painlit.inference.maps.spatial import SPATIAL_METHODS, spatial_map
from painlit.inference.maps.temporal import TEMPORAL_METHODS, temporal_map
from painlit.models import PainModel, SpatialModule, TemporalModule
from painlit.report.map_figures import draw_faces

SIZE, PATCH, CELL = 64, 16, 4
TESTED = 200
FRAMES, DIM, WIDTH = 24, 16, 4
PEOPLE = 3
"""Shown of the London set, neutral and smiling."""


def small(seed: int, size: int = SIZE) -> nn.Sequential:
    """A Spatial-Module of four blocks, or two where images are smaller, with a head."""
    torch.manual_seed(seed)
    depth = 4 if size == SIZE else 2
    spatial = SpatialModule(image_size=size, patch_size=PATCH, inner_dim=24, depth=depth, outer_heads=5)
    return nn.Sequential(spatial, nn.Linear(spatial.embed_dim, CLASSES))


def trained(mark: int, anywhere: bool, seed: int, size: int = SIZE) -> nn.Sequential:
    """One that classifies by a square of so many px."""
    generator = torch.Generator().manual_seed(seed)
    model = small(seed, size)
    rate = 1e-3 if size == SIZE else 2e-3
    learn(model, lambda: images(32, generator, size, mark, anywhere, CLASSES)[:2], rate, steps=1000)
    return model


def touching(maps: Tensor, corner: Tensor, mark: int, cell: int) -> float:
    """Of maps (B, H, W), how many have their maximum in a cell that meets the mark."""
    at = maps.flatten(1).argmax(1)
    place = torch.stack([at // maps.shape[-1], at % maps.shape[-1]], 1) // cell * cell
    return ((place < corner + mark) & (place + cell > corner)).all(1).float().mean().item()


def pointing() -> Iterator[str]:
    """The game in images, and in time."""
    for mark, anywhere, size in ((PATCH, False, SIZE), (PATCH, True, SIZE), (CELL, False, SIZE // 2)):
        hits: dict[str, list[tuple[float, float]]] = {}
        for seed in range(3):
            model = trained(mark, anywhere, seed, size)
            x, labels, corner = images(TESTED, torch.Generator().manual_seed(100 + seed), size, mark, anywhere)
            right = (model(x).argmax(1) == labels).float().mean().item()
            for method in SPATIAL_METHODS:
                maps, cell = spatial_map(model, x, labels, method), CELL if method == "sub_patch" else PATCH
                found = share_within(maps, corner, mark), touching(maps, corner, mark, cell)
                hits.setdefault(method, []).append(found)
            yield f"  a mark of {mark} px{' anywhere' if anywhere else ' on the grid'}, seed {seed}: {right:.0%} right"
        chance = (mark / size) ** 2
        for method, pairs in hits.items():
            exact, near = (", ".join(f"{100 * pair[k]:.1f}" for pair in pairs) for k in range(2))
            yield f"    {method}: on the mark {exact} %; touches it {near} %; chance {100 * chance:.1f} % on the mark"
    for token, name in ((DIM, "a frame a token"), (1, "scalar tokens")):
        hit: dict[str, list[float]] = {}
        for seed in range(3):
            torch.manual_seed(seed)
            temporal = TemporalModule(CLASSES, token_size=token, num_latents=16, latent_dim=32, blocks=1)
            model_ = PainModel(
                "video", num_classes=CLASSES, frames=FRAMES, embedding_dim=DIM, frame_embedding="full",
                augmnet=None, temporal=temporal,
            )  # fmt: skip
            generator = torch.Generator().manual_seed(seed)
            learn(model_, lambda g=generator: clips(64, g, FRAMES, DIM, WIDTH, CLASSES)[:2], 2e-3, 1500, token > 1)  # type: ignore[misc]
            x, labels, first = clips(TESTED, torch.Generator().manual_seed(100 + seed), FRAMES, DIM, WIDTH)
            for method in TEMPORAL_METHODS:
                at = temporal_map(model_, {"full": x}, labels, method).mean(-1).argmax(1)
                hit.setdefault(method, []).append(((at >= first) & (at < first + WIDTH)).float().mean().item())
        for method, shares in hit.items():
            percent = ", ".join(f"{100 * share:.1f}" for share in shares)
            yield f"  {WIDTH} of {FRAMES} frames, {name}, {method}: {percent} %; chance {100 * WIDTH / FRAMES:.1f} %"


def randomised() -> Iterator[str]:
    """Rank correlation of maps with those of random layers, from the head down."""
    model = trained(PATCH, False, 0)
    x, labels, _ = images(50, torch.Generator().manual_seed(100), SIZE, PATCH)
    kept = {method: spatial_map(model, x, labels, method) for method in SPATIAL_METHODS}
    changed, fresh = copy.deepcopy(model), small(99)
    blocks = cast(list[Any], changed[0].tnt.blocks)  # type: ignore[union-attr]
    parts: list[tuple[str, Any, Any]] = [("head", changed[1], fresh[1])]
    others = cast(list[Any], fresh[0].tnt.blocks)  # type: ignore[union-attr]
    parts += [(f"block {k + 1}", blocks[k], others[k]) for k in reversed(range(len(blocks)))]
    parts.append(("all", changed, fresh))
    for name, old, new in parts:
        old.load_state_dict(new.state_dict())
        correlations = []
        for method, before in kept.items():
            after = spatial_map(changed, x, labels, method)
            each = [spearmanr(a.flatten(), b.flatten()).statistic for a, b in zip(before, after, strict=True)]
            correlations.append(f"{method} {np.nanmean(each):+.2f}")
        yield f"  random from the head to {name}: " + ", ".join(correlations)


def draw_london(path: Path) -> None:
    """People of half A, neutral and smiling, and the mean of all of them, as stage 1 and stage 2 beside A see them."""
    config = load([PROXY])
    stage2 = emotion_head(config, str(taught_spatial("A")))
    heads = {"stage 1": identity_head(config, str(pretrain_faces())), "stage 2": stage2}
    photographs = crops(config, 2 * config.spatial.image_size, config.face.margin)
    people = sorted(shown_in("A", "face_id"))
    faces = np.stack([photographs[person, label] for label in range(2) for person in people])
    chosen = [k + label * len(people) for label in range(2) for k in range(PEOPLE)]

    def with_means(values: np.ndarray) -> np.ndarray:
        means = [part.mean(0, keepdims=True) for part in np.array_split(values.astype(float), 2)]
        shown = values[chosen].astype(float)
        return np.concatenate([shown[:PEOPLE], means[0], shown[PEOPLE:], means[1]])

    area = 100 * _mouth(np.ones((1, 100, 100)))
    print(f"London, {len(people)} people of A: share of maps about the mouth, {area:.0f} % of a crop")
    for method in SPATIAL_METHODS:
        rows = []
        for stage, head in heads.items():
            read = whole_crops(head.embedder, torch.from_numpy(faces).permute(0, 3, 1, 2))
            for target in range(2) if stage == "stage 2" else [None]:
                maps = spatial_map(head.scores(), read, target, method).numpy()
                name = "identity" if target is None else head.name(target)
                rows.append((f"{stage}\n{name}", with_means(maps)))
                shares = [100 * _mouth(part) for part in np.array_split(maps, 2)]
                print(f"  {method}, {stage}, {name}: neutral {shares[0]:.1f} %, smiling {shares[1]:.1f} %", flush=True)
        draw_faces(with_means(faces).round().astype(np.uint8), rows, None, path.with_name(f"{path.name}_{method}"))


def _mouth(maps: np.ndarray) -> float:
    """The share of maps, (n, S, S), that lies in the middle of their lower half: mouth, its corners, and the cheeks."""
    side = maps.shape[-1]
    part = maps[:, int(0.5 * side) : int(0.95 * side), int(0.2 * side) : int(0.8 * side)]
    return float(part.astype(float).sum() / maps.astype(float).sum())


def main() -> None:
    """Print the games and correlations; draw the faces if they are requested."""
    options = dict(argument[2:].split("=", 1) for argument in sys.argv[1:] if argument.startswith("--"))
    print("pointing game, three seeds (planted marks):")
    for line in pointing():
        print(line, flush=True)
    print("randomised weights, rank correlation with the map of the trained network:")
    for line in randomised():
        print(line, flush=True)
    if "faces" in options:
        draw_london(Path(options["faces"]))
