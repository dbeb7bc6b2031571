"""The two data sets of the proxies in miniature: portraits whose mouth is a bright spot, and records of one lead."""

from pathlib import Path

import cv2
import numpy as np
import wfdb

from data_modules.proxy.people import RECORDS
from painlit.config import Config, load

SIDE, RATE, SECONDS = 96, 360, 130
SMILE = 4
"""px by which the mouth rises."""


def portrait(person: int, smiling: bool) -> np.ndarray:
    """A still pattern of the person's own, and a spot that rises with the smile, (SIDE, SIDE, 3)."""
    generator = np.random.default_rng(person)
    pattern = cv2.GaussianBlur(generator.normal(size=(SIDE, SIDE, 1)).astype(np.float32), (0, 0), 3)[..., None]
    y, x = np.mgrid[:SIDE, :SIDE]
    spot = np.exp(-(((x - SIDE / 2) / 9) ** 2 + ((y - 64 + SMILE * smiling) / 7) ** 2))[..., None]
    values = (1 - spot) * (90 + 25 * pattern / pattern.std()) + spot * 240
    return np.clip(values, 0, 255).astype(np.uint8).repeat(3, 2)


def write_faces(root: Path, people: int) -> Path:
    """info.csv, neutral/ and smiling/, of women aged 21 and more."""
    rows = ["face_id,face_age,face_gender,face_eth"]
    for person in range(1, people + 1):
        rows.append(f"{person:03d},{20 + person},female,white")
        for expression in ("neutral", "smiling"):
            path = root / expression / f"{person:03d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), portrait(person, expression == "smiling"), [cv2.IMWRITE_JPEG_QUALITY, 98])
    (root / "info.csv").write_text("\n".join(rows) + "\n")
    return root


def write_records(root: Path, people: int) -> Path:
    """The records of the first people: R waves of 1 mV on 0.3 mV, ever faster from 50 bpm on, annotated as normal."""
    root.mkdir(parents=True)
    for number in range(1, people + 1):
        at, beats = 0.3, []
        while at < SECONDS - 1:
            beats.append(round(at * RATE))
            at += 60 / (50 + number + 40 * at / SECONDS)
        signal = np.random.default_rng(number).normal(0.3, 0.01, SECONDS * RATE)
        for beat in beats:
            signal[beat - 10 : beat + 11] += np.exp(-((np.arange(-10, 11) / 4) ** 2))
        name = str(RECORDS[number])
        wfdb.wrsamp(name, RATE, ["mV"], ["MLII"], signal[:, None], fmt=["16"], write_dir=str(root))
        wfdb.wrann(name, "atr", np.array(beats), symbol=["N"] * len(beats), write_dir=str(root))
    return root


def write_sources(root: Path, people: int) -> Path:
    """Photographs and records of the first people, in faces/ and mitdb/."""
    write_faces(root / "faces", people)
    write_records(root / "mitdb", people)
    return root


def configured(sources: Path, out: Path, *settings: str) -> Config:
    """Two people a half, one clip a class."""
    where = f"proxy.faces={sources}/faces", f"ecg.roots.mitbih={sources}/mitdb", f"proxy.out={out}"
    return load([*where, "proxy.subjects=2", "proxy.clips_per_class=1", *settings])
