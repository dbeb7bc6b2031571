"""Demo data in BioVid's layout, made by the project alone: an animated public-domain portrait and synthesised ECG.

Each subject is a variant of one portrait, drawn as for stage 2's photographs (`photographs.draw_face`), with a
resting face of its own. A clip moves the head a little and, in every class, the face too. Its class sets how strongly a
drawn expression (`expressions.PAIN_LIKE`) appears in the course of the clip, and how fast the heart beats, both
with overlap between classes. The ECG is biosppy's synthesised beat, repeated with varying intervals, over baseline
wander and noise.

It is no pain data: it shows that the pipeline runs and learns, and says nothing about pain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from scipy.signal import resample_poly

from data_modules.demo.expressions import COMPONENTS, PAIN_LIKE, expressed, strengths, vector
from data_modules.demo.photographs import STRANGER_WARP, Face, draw_face
from data_modules.demo.portrait import SIZE, coloured, placed, portrait
from data_modules.recordings.biovid import CLASS_TOKENS, SAMPLE_COLUMNS, SAMPLES
from painlit.config import ClipConfig
from painlit.errors import PainlitError
from painlit.system.csv_files import write_csv
from painlit.system.files import atomic_path, write_text

INTENSITY_SPREAD = 0.15
"""Standard deviation between clips of a class in how strongly they show the expression, whose mean is label / 4."""
BPM_PER_CLASS, BPM_SPREAD = 4.0, 4.0
"""By how much the heart beats faster from class to class, and its standard deviation between clips of a class."""
_EVERYDAY = ("neutral", "happiness", "sadness", "surprise")  # what a face may also do, in any class


@dataclass(frozen=True)
class Person:
    """One demo subject: how the portrait is changed, and how face and heart are at rest."""

    name: str
    face: Face
    resting_face: np.ndarray
    """(9,) strengths of `expressions.COMPONENTS`."""
    resting_bpm: float


def is_complete(root: Path) -> bool:
    """Whether all of it is there: the list of clips is written last."""
    return (root / SAMPLES).is_file()


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
    if is_complete(root):
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
    write_csv(root / SAMPLES, [SAMPLE_COLUMNS, *rows], delimiter="\t")
    return root


def make_recording(
    folder: Path, clip: ClipConfig, number: int, spells: Sequence[tuple[float, float]], seconds: float, seed: int = 0
) -> tuple[Path, Path]:
    """Write one long recording to `folder`, video and ECG, of a person who is in no clip of `make_demo`.

    Args:
        folder: Gets recording.mp4 and recording_ecg.csv; files that are there are left as they are.
        clip: Rates.
        number: Of the person, beyond the subjects of the clips.
        spells: From when to when, in s, the expression is there and the heart beats as in the highest class.
        seconds: Length.
        seed: Of everything random.
    """
    video, ecg = folder / "recording.mp4", folder / "recording_ecg.csv"
    if video.is_file() and ecg.is_file():
        return video, ecg
    generator = np.random.default_rng([seed, number])
    person = _person(number, generator)

    def share(times: np.ndarray) -> np.ndarray:
        """0 to 1; a second to come and to go."""
        rise = [1 / (1 + np.exp(-4 * (times - a))) - 1 / (1 + np.exp(-4 * (times - b))) for a, b in spells]
        return np.sum(rise, axis=0)

    times = np.arange(round(seconds * clip.video_fps)) / clip.video_fps
    _write_frames(
        video, portrait(), person, person.resting_face + share(times)[:, None] * vector(PAIN_LIKE), clip.video_fps,
        generator,
    )  # fmt: skip
    most = BPM_PER_CLASS * (len(CLASS_TOKENS) - 1)
    samples = round(seconds * clip.ecg_hz)
    values = _ecg(
        lambda at: person.resting_bpm + most * float(share(np.array([at]))[0]), samples, seconds, clip.ecg_hz, generator
    )
    write_csv(ecg, [["time (s)", "ecg (mV)"], *([f"{k / clip.ecg_hz:.6f}", f"{v:.4f}"] for k, v in enumerate(values))])
    return video, ecg


def _person(number: int, generator: np.random.Generator) -> Person:
    return Person(
        name=f"{number:02d}0100_{'wm'[number % 2]}_{20 + 7 * number % 46}",
        face=draw_face(generator, STRANGER_WARP),
        resting_face=strengths("neutral") + generator.normal(0, 0.06, len(COMPONENTS)),
        resting_bpm=generator.uniform(62, 78),
    )


def _write_video(
    path: Path, base: np.ndarray, person: Person, label: int, clip: ClipConfig, generator: np.random.Generator
) -> None:
    frames = clip.nominal_frames
    intensity = np.clip(label / 4 + generator.normal(0, INTENSITY_SPREAD), 0, 1.3)
    everyday = generator.uniform(0, 0.3) * strengths(str(generator.choice(_EVERYDAY)))
    moved = _onset(frames, generator)[:, None] * intensity * vector(PAIN_LIKE)
    moved = person.resting_face + moved + _onset(frames, generator)[:, None] * everyday  # (frames, 9)
    _write_frames(path, base, person, moved, clip.video_fps, generator)


def _write_frames(
    path: Path, base: np.ndarray, person: Person, moved: np.ndarray, fps: float, generator: np.random.Generator
) -> None:
    """Draw a face with these strengths, (frames, 9), on a head that sways a little."""
    frames, look = len(moved), person.face.look
    sway = np.cumsum(generator.normal(0, 4 / np.sqrt(frames), (frames, 2)), axis=0)
    sway -= np.linspace(0, 1, frames)[:, None] * sway[-1]  # returns to where it began
    grain = generator.normal(0, 3, base.shape).astype(np.float32)
    with atomic_path(path) as temporary:
        renamed = temporary.with_suffix(".mp4")  # OpenCV picks the container by the name's ending
        writer = cv2.VideoWriter(str(renamed), cv2.VideoWriter.fourcc(*"mp4v"), fps, (SIZE, SIZE))
        if not writer.isOpened():
            raise PainlitError(f"{path}: OpenCV cannot write MP4 videos", "install opencv-python from its wheel")
        for strength, (dx, dy) in zip(moved, sway, strict=True):
            drawn = coloured(placed(expressed(base, strength, person.face.warp), look, float(dx), float(dy)), look)
            pixels = np.clip(drawn + np.roll(grain, int(7 * dx), 1), 0, 255).astype(np.uint8)
            writer.write(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
        writer.release()
        renamed.replace(temporary)  # if anything fails before, the next run overwrites it


def _onset(frames: int, generator: np.random.Generator) -> np.ndarray:
    """(frames,) share 0..1 of an expression that appears early in the clip and stays."""
    at = generator.uniform(0.1, 0.35) * frames
    return 1 / (1 + np.exp(-(np.arange(frames) - at) / (0.06 * frames)))


def _ecg_table(person: Person, label: int, clip: ClipConfig, generator: np.random.Generator) -> str:
    """A biosignal table with time in µs and ECG in mV."""
    bpm = person.resting_bpm + BPM_PER_CLASS * label + generator.normal(0, BPM_SPREAD)
    ecg = _ecg(lambda _: bpm, clip.ecg_samples, clip.seconds, clip.ecg_hz, generator)
    lines = [f"{round(1e6 * k / clip.ecg_hz)}\t{2 + 0.1 * label:.3f}\t{value:.4f}\t0.0" for k, value in enumerate(ecg)]
    return "\n".join(["time\tgsr\tecg\temg_trapezius", *lines, ""])


def _ecg(
    bpm: Callable[[float], float], samples: int, seconds: float, rate: float, generator: np.random.Generator
) -> np.ndarray:
    """(samples,) mV of a heart whose rate is `bpm`, a function of the time in s."""
    beat = _beat(rate)
    ecg = np.zeros(samples + 2 * len(beat))
    at = generator.uniform(0, 60 / bpm(0))
    while at < seconds + 0.5:
        start = int(at * rate)
        ecg[start : start + len(beat)] += beat[: len(ecg) - start]
        at += 60 / bpm(at) * (1 + generator.normal(0, 0.03))
    ecg = ecg[len(beat) // 2 :][:samples]
    times = np.arange(samples) / rate
    return ecg + 0.1 * np.sin(2 * np.pi * (0.3 * times + generator.random())) + generator.normal(0, 0.02, samples)


@lru_cache(maxsize=2)
def _beat(sampling_rate: float) -> np.ndarray:
    """One synthesised heartbeat in mV, from P to T wave, without a step at its ends."""
    from biosppy.synthesizers.ecg import ecg

    fine = 10_000  # Hz, the rate its wave shapes are given for
    beat = np.asarray(ecg(sampling_rate=fine, var=0)[0], dtype=np.float64)
    beat -= np.linspace(beat[0], beat[-1], len(beat))
    return resample_poly(beat, round(sampling_rate), fine)
