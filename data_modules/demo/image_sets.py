"""Demo photographs in the layouts of VGGFace2, AffectNet, RAF-DB and CFEE, all made from one public-domain portrait.

An identity of the demo is a look and a smooth warp of that portrait, an expression a displacement of its mouth, brows,
eyes and nose. The photographs show that stages 1 and 2 run and learn. They say nothing about people or their feelings.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np

from data_modules.demo.expressions import BASIC, strengths
from data_modules.demo.photographs import STRANGER_WARP, draw_face, photograph, posed, write_jpeg
from data_modules.demo.portrait import portrait
from data_modules.photographs.affectnet import AFFECTNET_CLASSES
from data_modules.photographs.cfee import CFEE_CLASSES
from data_modules.photographs.identities import BOX_COLUMNS
from data_modules.photographs.raf_db import RAF_BASIC_CLASSES, RAF_COMPOUND_CLASSES
from painlit.system.files import atomic_path, write_text

IDENTITIES = {"train": 10, "test": 2}
"""VGGFace2's identities by division."""
IDENTITY_IMAGES, CFEE_PEOPLE = 12, 12
AFFECTNET_IMAGES = {"train_set": 20, "val_set": 5}
"""Of each expression."""
RAF_IMAGES = {"basic": {"train": 16, "test": 5}, "compound": {"train": 14, "test": 4}}
"""Of each expression."""
DEMO_IMAGES = (
    sum(IDENTITIES.values()) * IDENTITY_IMAGES
    + sum(AFFECTNET_IMAGES.values()) * len(AFFECTNET_CLASSES)
    + sum(RAF_IMAGES["basic"].values()) * len(RAF_BASIC_CLASSES)
    + sum(RAF_IMAGES["compound"].values()) * len(RAF_COMPOUND_CLASSES)
    + CFEE_PEOPLE * len(CFEE_CLASSES)
)
"""Images in all: as often `make_demo_images` calls `advance`."""

_LAST = Path("VGGFace2") / "bb_landmark" / "loose_bb_test.csv"
_IDENTITY_WARP = 8.0  # px of the portrait
_WORDS = {
    "happy": "happiness", "happily": "happiness", "sad": "sadness", "sadly": "sadness", "surprised": "surprise",
    "fearful": "fear", "fearfully": "fear", "angry": "anger", "angrily": "anger", "disgusted": "disgust",
    "disgustedly": "disgust",
}  # fmt: skip


def images_are_complete(root: Path) -> bool:
    """Whether all of them are there: VGGFace2's second table of boxes is written last."""
    return (root / _LAST).is_file()


def make_demo_images(root: Path, seed: int = 0, advance: Callable[[], None] = lambda: None) -> None:
    """Write VGGFace2, AffectNet, RAF-DB and CFEE in miniature below `root`; a folder that is complete is left as it is.

    Args:
        root: Gets the folders VGGFace2, AffectNet, RAF-DB and CFEE.
        seed: Of everything random.
        advance: Called after each of the `DEMO_IMAGES` images.
    """
    root = Path(root)
    if images_are_complete(root):
        return
    base = portrait()
    _make_affectnet(root / "AffectNet", base, np.random.default_rng([seed, 1]), advance)
    _make_raf_db(root / "RAF-DB", base, np.random.default_rng([seed, 2]), advance)
    _make_cfee(root / "CFEE" / "CFEE_Database_230", base, np.random.default_rng([seed, 3]), advance)
    tables = _make_vggface2(root / "VGGFace2", base, np.random.default_rng([seed, 4]), advance)
    for division, table in tables.items():  # test's last, which marks the data as complete
        write_text((root / _LAST).with_name(f"loose_bb_{division}.csv"), table)


def cfee_expressions() -> list[tuple[str, ...]]:
    """What the demo draws for CFEE's codes 01 to 26: neutral, then the other basic ones and pairs of them.

    The codes' meaning in CFEE itself is another.
    """
    others = [name for name in BASIC if name != "neutral"]
    drawn: list[tuple[str, ...]] = [("neutral",), *((name,) for name in others), *combinations(others, 2)]
    return drawn[: len(CFEE_CLASSES)]


def _make_vggface2(
    root: Path, base: np.ndarray, generator: np.random.Generator, advance: Callable[[], None]
) -> dict[str, str]:
    """Write the images; return the box table of each division."""
    tables = {}
    number = 0
    for division, identities in IDENTITIES.items():
        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        table.write(BOX_COLUMNS + "\n")
        for _ in range(identities):
            number += 1
            person = f"n{number:06d}"
            face = draw_face(generator, _IDENTITY_WARP)
            for image in range(1, IDENTITY_IMAGES + 1):
                mood = generator.uniform(0, 0.7) * strengths(str(generator.choice(list(BASIC))))
                pixels, box = photograph(base, face, mood, generator)
                write_jpeg(root / division / person / f"{image:04d}_01.jpg", pixels)
                writer.writerow([f"{person}/{image:04d}_01", *box()])
                advance()
        tables[division] = table.getvalue()
    return tables


def _make_affectnet(root: Path, base: np.ndarray, generator: np.random.Generator, advance: Callable[[], None]) -> None:
    names = {"happy": "happiness", "sad": "sadness"}
    number = 0
    for folder, images in AFFECTNET_IMAGES.items():
        for _ in range(images):
            for label, name in enumerate(AFFECTNET_CLASSES):
                face = draw_face(generator, STRANGER_WARP)
                pixels, _ = photograph(base, face, posed(generator, names.get(name, name)), generator)
                write_jpeg(root / folder / "images" / f"{number}.jpg", pixels)
                with atomic_path(root / folder / "annotations" / f"{number}_exp.npy") as path, open(path, "wb") as file:
                    np.save(file, np.array(str(label)), allow_pickle=False)
                number += 1
                advance()


def _make_raf_db(root: Path, base: np.ndarray, generator: np.random.Generator, advance: Callable[[], None]) -> None:
    """Both parts, aligned: each face fills its image."""
    for part, classes in (("basic", RAF_BASIC_CLASSES), ("compound", RAF_COMPOUND_CLASSES)):
        lines = []
        for division, images in RAF_IMAGES[part].items():
            number = 0
            for _ in range(images):
                for label, name in enumerate(classes, start=1):
                    number += 1
                    basic = [_WORDS.get(word, word) for word in name.split()]
                    face = draw_face(generator, STRANGER_WARP)
                    pixels, _ = photograph(base, face, posed(generator, *basic), generator, aligned=True)
                    stem = f"{division}_{number:05d}"
                    write_jpeg(root / part / "Image" / "aligned" / f"{stem}_aligned.jpg", pixels)
                    lines.append(f"{stem}.jpg {label}\n")
                    advance()
        write_text(root / part / "EmoLabel" / "list_patition_label.txt", "".join(lines))


def _make_cfee(root: Path, base: np.ndarray, generator: np.random.Generator, advance: Callable[[], None]) -> None:
    groups = [(1, 4), (5, 8), (9, 12), (13, 16), (17, 20), (21, 26)]
    folders = {
        code: f"{first:02d}-{last:02d}/Images{number}"
        for number, (first, last) in enumerate(groups, start=1)
        for code in range(first, last + 1)
    }
    image = 1000
    for person in range(1, CFEE_PEOPLE + 1):
        face = draw_face(generator, STRANGER_WARP)
        for code, basic in enumerate(cfee_expressions(), start=1):
            image += 1
            pixels, _ = photograph(base, face, posed(generator, *basic), generator)
            write_jpeg(root / folders[code] / f"{code:02d}_{100 + person}_{image}.jpg", pixels)
            advance()
