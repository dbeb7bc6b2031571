"""The image pipeline at VGGFace2's scale: building and reopening its index, and the loader beside torchvision's.

The index is one of 3.31 million empty files in VGGFace2's layout, with their tables of boxes; `images=331000` makes it
fewer. The peer of the loader is ImageFolder with PIL and the same changes by torchvision's transforms, on the same
JPEGs, with as many processes, in alternation.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from data_modules.demo.portrait import coloured, draw_look, placed, portrait
from data_modules.photographs.face_datamodule import open_face_index
from data_modules.photographs.identities import BOX_COLUMNS
from data_modules.photographs.loader import image_loader
from experiments.bench.data import given
from experiments.bench.timing import in_turn, seconds
from painlit.config import Config, load
from painlit.images.dataset import FaceImages
from painlit.system.processes import loader_options
from painlit.system.progress import progress_bar
from painlit.training.sampling import MixedBatches

IDENTITIES, IMAGES = 9_131, 3_310_000
JPEGS, SIDES, SIZE = 2_048, (150, 350), 224  # how many, their sides in px, and the crop's
BATCH, WORKERS, ROUNDS = 64, 2, 5

REOPEN = """
import json, resource, sys, time
from data_modules.photographs.face_datamodule import FaceDataModule, open_face_index
from painlit.config import load
import data_modules.photographs.loader
config = load(json.loads(sys.argv[1]))
imported = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
start = time.perf_counter()
index = open_face_index(config)
opened = time.perf_counter() - start
data = FaceDataModule(config)
data.divide([index])
next(iter(data.draws()))
drawn = time.perf_counter() - start
print(json.dumps([opened, drawn, imported, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def make_tree(root: Path, identities: int, images: int) -> None:
    """Empty files in VGGFace2's layout, the last 500 identities (or a twentieth) as its test part, with boxes."""
    held_out = max(1, identities // 20)
    per_identity = np.full(identities, images // identities)
    per_identity[: images % identities] += 1
    (root / "bb_landmark").mkdir(parents=True)
    with progress_bar("make a tree of empty files", total=identities) as advance:
        parts = {"train": range(identities - held_out), "test": range(identities - held_out, identities)}
        for part, numbers in parts.items():
            with open(root / "bb_landmark" / f"loose_bb_{part}.csv", "w", encoding="utf-8") as table:
                table.write('"' + '","'.join(BOX_COLUMNS.split(",")) + '"\n')
                for number in numbers:
                    folder = root / part / f"n{number:06d}"
                    folder.mkdir(parents=True)
                    for image in range(per_identity[number]):
                        os.close(os.open(f"{folder}/{image:04d}_01.jpg", os.O_CREAT | os.O_WRONLY))
                        table.write(f'"n{number:06d}/{image:04d}_01",20,30,100,120\n')
                    advance()


def time_index(folder: Path, images: int) -> None:
    """Print seconds and memory for building and reopening the index."""
    root = folder / "VGGFace2"
    make_tree(root, max(20, round(IDENTITIES * images / IMAGES)), images)
    arguments = [f"stage1.root={root}", "stage1.faces=auto", "stage1.held_out=0.05", f"runs={folder / 'runs'}"]
    built = seconds(lambda: open_face_index(load(arguments)))
    done = subprocess.run(
        [sys.executable, "-c", REOPEN, json.dumps(arguments)], stdout=subprocess.PIPE, text=True, check=True
    )
    opened, drawn, imported, peak = json.loads(done.stdout.splitlines()[-1])
    print(f"index of {images:,} images: built in {built:.1f} s, {1e6 * built / images:.1f} s a million")
    print(f"  reopened in {opened:.2f} s; with the division into parts and the first batch's draw {drawn:.2f} s")
    print(f"  most memory of the process: {peak:.0f} MiB, of which {imported:.0f} MiB after importing the libraries")


def make_jpegs(root: Path, count: int) -> None:
    """Variants of the demo's portrait, of VGGFace2's usual sizes."""
    generator = np.random.default_rng(0)
    face = portrait()
    for number in range(count):
        look = draw_look(generator)
        image = np.clip(coloured(placed(face, look, 0, 0), look), 0, 255).astype(np.uint8)
        width, height = generator.integers(*SIDES, 2)
        path = root / f"n{number % 16:06d}" / f"{number:04d}_01.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), cv2.resize(image, (int(width), int(height)))[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])


def our_loader(config: Config) -> DataLoader:
    """The loader of both stages, in crops of SIZE px."""
    index = open_face_index(config)
    images = FaceImages([index], [index.labels], SIZE, config.face.margin, config.images)
    batches = MixedBatches([np.arange(len(index))], [index.labels], BATCH, balanced=False)
    return image_loader(images, batches, WORKERS, BATCH)


def plain_loader(root: Path, config: Config) -> DataLoader:
    """ImageFolder and PIL with the same changes."""
    images = config.images
    changes = transforms.Compose([
        transforms.Resize((SIZE, SIZE)),
        transforms.RandomAffine(
            images.rotation, (images.shift, images.shift), (1 - images.scale, 1 + images.scale),
            interpolation=transforms.InterpolationMode.BILINEAR,
        ),
        transforms.RandomHorizontalFlip(),
        transforms.ColorJitter(brightness=0.4 * images.light, contrast=images.light),
        transforms.PILToTensor(),
    ])  # fmt: skip
    return DataLoader(
        ImageFolder(root, changes), BATCH, shuffle=True, drop_last=True, persistent_workers=True,
        **loader_options(WORKERS),
    )  # fmt: skip


def loading_rates(loaders: Mapping[str, DataLoader]) -> dict[str, list[float]]:
    """Images that loaders of BATCH give a second, in alternation; the first turn starts their processes."""
    times = in_turn({name: partial(deque, loader, maxlen=0) for name, loader in loaders.items()}, ROUNDS)
    return {name: [BATCH * len(loader) / time for time in times[name]] for name, loader in loaders.items()}


def rates_text(values: list[float]) -> str:
    """Median and fastest."""
    return f"{np.median(values):.0f} ({max(values):.0f})"


def time_loaders(folder: Path) -> None:
    """Print images a second of both loaders, in alternation."""
    root = folder / "jpegs"
    make_jpegs(root, JPEGS)
    config = load([f"stage1.root={root}", "stage1.faces=whole", "stage1.name=jpegs", f"runs={folder / 'runs'}"])
    loaders = {"painlit": our_loader(config), "torchvision ImageFolder, PIL": plain_loader(root, config)}
    rates = loading_rates(loaders)
    print(f"images a second, {JPEGS} JPEGs to {SIZE} px, {WORKERS} processes, median of {ROUNDS} (fastest):")
    for name, values in rates.items():
        print(f"  {name}: {rates_text(values)}")
    ours, plain = rates.values()
    print(f"  ratio {np.median(ours) / np.median(plain):.2f}")


def main() -> None:
    """Time the loaders, then the index."""
    images = int(dict(a.split("=", 1) for a in given()).get("images", IMAGES))
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        time_loaders(Path(folder))
        time_index(Path(folder), images)
