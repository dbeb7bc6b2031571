"""Edited copies of photographs: how many are found, and how many other photographs are taken for copies.

Faces of the ORL, London and Canada sets are edited and compared with their originals, and different photographs with
each other, as stage 2 compares training with validation images. The threshold is chosen on one half of the people: the
least similarity of an edited copy, down to the next 0.005. Both errors are those of the other half. `faces=FOLDER` says
where the three sets are.
"""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import cv2
import numpy as np

from experiments.bench.data import given
from experiments.bench.timing import seconds
from painlit.errors import PainlitError
from painlit.images.duplicates import SAME, look_of, similarities, without_validation_images
from painlit.images.index import ImageIndex
from painlit.images.reading import decode, read_image

SETS = {"orl": "s*/*.pgm", "london": "*/*.jpg", "canada": "*.jpg"}


def turned(image: np.ndarray, degrees: float, border: int = cv2.BORDER_REPLICATE) -> np.ndarray:
    """Turned about its centre."""
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1)
    return cv2.warpAffine(image, turn, (width, height), borderMode=border)


def compressed(image: np.ndarray, quality: int) -> np.ndarray:
    """Through JPEG."""
    return decode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes(), Path("copy"))[
        ..., ::-1
    ]


def cropped(image: np.ndarray, share: float) -> np.ndarray:
    """Without a share of each side."""
    rows, columns = (round(share * side) for side in image.shape[:2])
    return image[rows : len(image) - rows, columns : image.shape[1] - columns]


EDITS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mirrored": lambda image: image[:, ::-1],
    "JPEG, quality 40": lambda image: compressed(image, 40),
    "turned by 3°": lambda image: turned(image, 3),
    "turned by -3°, on black": lambda image: turned(image, -3, cv2.BORDER_CONSTANT),
    "half the size": lambda image: cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "twice the size": lambda image: cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC),
    "brighter": lambda image: np.clip(image * 0.8 + 30, 0, 255).astype(np.uint8),
    "mirrored, turned by 3°, JPEG": lambda image: compressed(turned(image[:, ::-1], 3), 60),
}
"""The edits that must be found."""
BEYOND = {"turned by 5°": lambda image: turned(image, 5), "cropped by 2 %": lambda image: cropped(image, 0.02),
          "cropped by 5 %": lambda image: cropped(image, 0.05)}  # fmt: skip


def main() -> None:
    """Print the threshold of one half, and both kinds of error of the other."""
    root = Path(dict(argument.split("=", 1) for argument in given()).get("faces", "../shared/data/faces"))
    copies: dict[str, tuple[list[float], list[float]]] = {edit: ([], []) for edit in (*EDITS, *BEYOND)}
    strangers: list[np.ndarray] = []
    same: list[np.ndarray] = []
    for name, pattern in SETS.items():
        paths = sorted((root / name).glob(pattern))
        if not paths:
            raise PainlitError(f"there are no faces {pattern} in {root / name}", "name the folder: faces=FOLDER")
        images = [read_image(path) for path in paths]
        person = np.array([path.parent.name if name == "orl" else path.stem.split("_")[0] for path in paths])
        half = np.searchsorted(np.unique(person), person) % 2
        looks = np.array([look_of(image) for image in images])
        for edit, change in {**EDITS, **BEYOND}.items():
            edited = np.array([look_of(np.ascontiguousarray(change(image))) for image in images])
            for k, side in enumerate(half):
                copies[edit][side].append(float(similarities(edited[k : k + 1], looks[k : k + 1])[0, 0]))
        alike, who = similarities(looks[half == 1], looks[half == 1]), person[half == 1]
        pairs = np.triu_indices(len(who), 1)
        other = (who[:, None] != who)[pairs]
        strangers.append(alike[pairs][other])
        same.append(alike[pairs][~other])
    least = min(min(copies[edit][0]) for edit in EDITS)
    chosen = np.floor(200 * least) / 200
    print(f"least similarity of a copy in one half {least:.4f}: threshold {chosen:.3f} ({SAME} is set)")
    print("share found in the other half:")
    for edit, (_, values) in copies.items():
        promised = "" if edit in EDITS else "  (not promised)"
        print(f"  {edit:28} {np.mean(np.array(values) >= SAME):.3f} of {len(values)}{promised}")
    for what, found in (("other people", strangers), ("the same person, another photograph", same)):
        all_of = np.concatenate(found)
        print(
            f"taken for copies, of {what}: {np.sum(all_of >= SAME)} of {len(all_of)} pairs, at most {all_of.max():.4f}"
        )
    time_comparison(root)


def time_comparison(root: Path, train: int = 20_000) -> None:
    """Print what a comparison with 2,000 validation images takes; blends of two faces each stand for many people."""
    generator = np.random.default_rng(0)
    faces = [read_image(path) for path in sorted((root / "orl").glob("s*/*.pgm"))]
    seen = np.array([look_of(face).ravel() for face in faces], np.float32)
    first, second = generator.integers(0, len(faces), (2, train + 2000))
    share = generator.uniform(0.3, 0.7, (train + 2000, 1))
    looks = (share * seen[first] + (1 - share) * seen[second]).astype(np.uint8)
    index = cast(ImageIndex, SimpleNamespace(looks=looks, digests=np.zeros(len(looks), np.uint64), where=str))
    rows, validated = np.arange(train), np.arange(train, len(looks))
    took = seconds(lambda: without_validation_images([index], [rows], [validated]))
    print(f"{train} training images beside 2000: {took:.1f} s, {1e9 * took / train / 2000:.0f} ns a pair")
    noting = seconds(lambda: [look_of(face) for face in faces])
    print(f"noting how an image looks: {1e6 * noting / len(faces):.0f} µs")
