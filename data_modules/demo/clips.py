"""Demo data in BioVid's layout, made by the project alone: an animated public-domain portrait and synthesised ECG.

Each subject is a variant of one portrait (`demo_portrait`): mirrored or not, stretched, tinted, lit and sized
differently. A clip moves the head a little; its class sets how far the mouth opens and the brows draw together, and,
with overlap between classes, how fast the heart beats. The ECG is biosppy's synthesised beat, repeated with varying
intervals, over baseline wander and noise.

It is no pain data: it shows that the pipeline runs and learns, and says nothing about pain.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from scipy.signal import resample_poly

from data_modules.demo.portrait import SIZE, Look, coloured, draw_look, placed, portrait
from data_modules.recordings.biovid import CLASS_TOKENS, SAMPLE_COLUMNS
from painlit.config import ClipConfig
from painlit.errors import PainlitError
from painlit.system.files import atomic_path, write_text

_MOUTH, _BROWS = (0.512, 0.54), (0.505, 0.332)  # x, y in shares of the cropped portrait


@dataclass(frozen=True)
class Person:
    """One demo subject: how the portrait is changed, and how the heart beats at rest."""

    name: str
    look: Look
    resting_bpm: float


def make_demo(
    root: Path,
    clip: ClipConfig,
    subjects: int = 6,
    clips_per_class: int = 4,
    classes: Sequence[int] = (0, 4),
    seed: int = 0,
    advance: Callable[[], None] = lambda: None,
) -> Path:
    """Write demo data in BioVid's layout to `root`; a folder that is complete is left as it is.

    Args:
        root: Becomes the PartA folder.
        clip: Length, frame rate and ECG rate of the clips.
        subjects: How many.
        clips_per_class: Of each subject and class.
        classes: BioVid labels to make, 0..4.
        seed: Of everything random.
        advance: Called after each clip.
    """
    samples = root / "starting_point" / "samples.csv"
    if samples.is_file():
        return root
    base = portrait()
    rows: list[list[object]] = []
    for number in range(1, subjects + 1):
        generator = np.random.default_rng([seed, number])
        person = _person(number, generator)
        counters = {0: 81, 1: 1}
        for label in classes:
            for _ in range(clips_per_class):
                key = min(label, 1)
                name = f"{person.name}-{CLASS_TOKENS[label]}-{counters[key]:03d}"
                counters[key] += 1
                _write_video(root / "video" / person.name / f"{name}.mp4", base, person, label, clip, generator)
                table = _ecg_table(person, label, clip, generator)
                for folder in ("biosignals_raw", "biosignals_filtered"):
                    write_text(root / folder / person.name / f"{name}_bio.csv", table)
                rows.append([number, person.name, label, CLASS_TOKENS[label], len(rows) + 1, name])
                advance()
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerows([SAMPLE_COLUMNS, *rows])
    write_text(samples, text.getvalue())  # last: it marks the data as complete
    return root


def _person(number: int, generator: np.random.Generator) -> Person:
    return Person(
        name=f"{number:02d}0100_{'wm'[number % 2]}_{20 + 7 * number % 46}",
        look=draw_look(generator),
        resting_bpm=generator.uniform(62, 78),
    )


def _write_video(
    path: Path, base: np.ndarray, person: Person, label: int, clip: ClipConfig, generator: np.random.Generator
) -> None:
    frames, fps = clip.nominal_frames, clip.video_fps
    strength = np.clip(label / 4 + generator.normal(0, 0.06), 0, 1)
    onset = generator.uniform(0.1, 0.35) * frames
    course = strength / (1 + np.exp(-(np.arange(frames) - onset) / (0.06 * frames)))
    sway = np.cumsum(generator.normal(0, 0.35, (frames, 2)), axis=0)
    sway -= np.linspace(0, 1, frames)[:, None] * sway[-1]  # returns to where it began
    grain = generator.normal(0, 3, base.shape)
    with atomic_path(path) as temporary:
        renamed = temporary.with_suffix(".mp4")  # OpenCV picks the container by the name's ending
        writer = cv2.VideoWriter(str(renamed), cv2.VideoWriter.fourcc(*"mp4v"), fps, (SIZE, SIZE))
        if not writer.isOpened():
            raise PainlitError(f"{path}: OpenCV cannot write MP4 videos", "install opencv-python from its wheel")
        for intensity, (dx, dy) in zip(course, sway, strict=True):
            face = coloured(placed(_expressed(base, float(intensity)), person.look, float(dx), float(dy)), person.look)
            writer.write(np.clip(face + np.roll(grain, int(7 * dx), 1), 0, 255).astype(np.uint8)[..., ::-1])
        writer.release()
        renamed.replace(temporary)  # if anything fails before, the next run overwrites it


def _expressed(base: np.ndarray, intensity: float) -> np.ndarray:
    """Mouth opened and brows drawn down and together: a smooth displacement around each."""
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / SIZE
    mouth = np.exp(-(((x - _MOUTH[0]) / 0.09) ** 2 + ((y - _MOUTH[1]) / 0.06) ** 2))
    brows = np.exp(-(((x - _BROWS[0]) / 0.13) ** 2 + ((y - _BROWS[1]) / 0.04) ** 2))
    dy = intensity * (-0.6 * (y - _MOUTH[1]) * mouth - 0.018 * brows)
    dx = intensity * (0.2 * (x - _BROWS[0]) * brows - 0.25 * (x - _MOUTH[0]) * mouth)
    at_x, at_y = ((x + dx) * SIZE).astype(np.float32), ((y + dy) * SIZE).astype(np.float32)
    moved = cv2.remap(base, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    dark = intensity * np.exp(-(((x - _MOUTH[0]) / 0.045) ** 2 + ((y - _MOUTH[1]) / 0.02) ** 2))  # the open mouth
    return moved * (1 - 0.6 * dark[..., None])


def _ecg_table(person: Person, label: int, clip: ClipConfig, generator: np.random.Generator) -> str:
    """A biosignal table with time in µs and ECG in mV."""
    bpm = person.resting_bpm + 4.5 * label + generator.normal(0, 4)
    beat = _beat(clip.ecg_hz)
    ecg = np.zeros(clip.ecg_samples + 2 * len(beat))
    at = generator.uniform(0, 60 / bpm)
    while at < clip.seconds + 0.5:
        start = int(at * clip.ecg_hz)
        ecg[start : start + len(beat)] += beat[: len(ecg) - start]
        at += 60 / bpm * (1 + generator.normal(0, 0.03))
    ecg = ecg[len(beat) // 2 :][: clip.ecg_samples]
    seconds = np.arange(clip.ecg_samples) / clip.ecg_hz
    ecg += 0.1 * np.sin(2 * np.pi * (0.3 * seconds + generator.random())) + generator.normal(0, 0.02, len(ecg))
    lines = [
        f"{round(1e6 * t)}\t{2 + 0.1 * label:.3f}\t{value:.4f}\t0.0" for t, value in zip(seconds, ecg, strict=True)
    ]
    return "\n".join(["time\tgsr\tecg\temg_trapezius", *lines, ""])


def _beat(sampling_rate: float) -> np.ndarray:
    """One synthesised heartbeat in mV, from P to T wave, without a step at its ends."""
    from biosppy.synthesizers.ecg import ecg

    fine = 10_000  # Hz, the rate its wave shapes are given for
    beat = np.asarray(ecg(sampling_rate=fine, var=0)[0], dtype=np.float64)
    beat -= np.linspace(beat[0], beat[-1], len(beat))
    return resample_poly(beat, round(sampling_rate), fine)
