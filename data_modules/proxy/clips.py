"""One subject's clips: a real face that goes from neutral towards its own smile, and a real heart, as a class has them.

The class sets how far the expression goes (NP stays neutral; P1 to P4 peak near 25, 50, 75 and 100 %) and how fast the
heart beats among all stretches of that heart, both with overlap between classes; the head moves and the light drifts.
Faces and ECG are real. That they go with a class is made, and so are gsr and emg, which are noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

from data_modules.proxy.hearts import read_heart
from data_modules.proxy.morph import Face
from data_modules.proxy.people import Person
from data_modules.recordings.biovid import CLASS_TOKENS
from painlit.config import ClipConfig
from painlit.system.files import atomic_path, write_text

WIDTH, HEIGHT = 640, 512  # px
_ZOOM = 1.12  # of a photograph that fills the height
_SLICES = 2  # of a picture, coded side by side: by default as many as cores, and the file would depend on them
_ENCODED = {"crf": "27", "preset": "veryfast"}
_GRAINS = 8  # pictures of noise, which take turns
_INTENSITY_SPREAD, _NEUTRAL_SPREAD = 0.08, 0.04  # between clips of a class
_SLOWEST_SHARE, _SHARES, _SHARE_SPREAD = 0.15, 0.7, 0.18  # of slower stretches of a heart, from NP to P4
_COLUMNS = ("time", "gsr", "ecg", "emg_trapezius", "emg_corrugator", "emg_zygomaticus")


@dataclass(frozen=True)
class Subject:
    """A person's clips and where they go."""

    person: Person
    root: Path
    clip: ClipConfig
    clips_per_class: int
    seed: int

    def generator(self) -> np.random.Generator:
        """Everything random of this person, independent of the others."""
        return np.random.default_rng([self.seed, self.person.number])

    def samples(self, generator: np.random.Generator) -> list[tuple[int, str]]:
        """Label and name of each clip: those of the pain classes in random order, then the baseline."""
        order = generator.permutation(np.repeat(np.arange(1, len(CLASS_TOKENS)), self.clips_per_class))
        labels = [(int(label), number) for number, label in enumerate(order, 1)]
        labels += [(0, 81 + k) for k in range(self.clips_per_class)]
        return [(label, f"{self.person.subject}-{CLASS_TOKENS[label]}-{number:03d}") for label, number in labels]

    def files(self, name: str) -> dict[str, Path]:
        """Folder of BioVid -> this clip's file in it."""
        endings = {"video": ".mp4", "biosignals_raw": "_bio.csv", "biosignals_filtered": "_bio.csv"}
        return {kind: self.root / kind / self.person.subject / f"{name}{end}" for kind, end in endings.items()}

    def is_finished(self) -> bool:
        """Whether each file of each clip is there."""
        names = [name for _, name in self.samples(self.generator())]
        return all(path.is_file() for name in names for path in self.files(name).values())


@dataclass(frozen=True)
class Course:
    """What a clip shows in each of its F frames."""

    intensity: np.ndarray
    """(F,) of the expression, 0 to 1."""
    shift: np.ndarray
    """(2, F) of the head, in px."""
    angle: np.ndarray
    """(F,) in degrees."""
    zoom: np.ndarray
    light: np.ndarray
    """(F,) factors."""
    grain: np.ndarray
    """(8, HEIGHT, WIDTH, 3) that is added to pixels."""


def make_subject(subject: Subject) -> dict[str, dict[str, object]]:
    """Write what is missing of a person's clips; a file that is there stays as it is.

    Returns:
        Clip -> its heart rate, and whose face and heart it shows.

    Raises:
        PainlitError: A photograph or the record cannot be used, or the disk is full.
    """
    person, clip, generator = subject.person, subject.clip, subject.generator()
    samples = subject.samples(generator)
    face = None
    heart = read_heart(person.record, clip, len(samples))
    truth: dict[str, dict[str, object]] = {}
    for label, name in samples:
        files = subject.files(name)
        course = _draw_course(label, clip, generator)  # also where the clip is there: the next ones follow
        if not files["video"].is_file():
            face = face or Face(person.neutral, person.smiling)
            _write_video(files["video"], face, course, clip.video_fps)
        share = _SLOWEST_SHARE + _SHARES * label / (len(CLASS_TOKENS) - 1) + generator.normal(0, _SHARE_SPREAD)
        ecg, bpm = heart.take(float(np.clip(share, 0, 1)))
        gsr = 2 + 0.1 * label + _drift(generator, len(ecg), 0.02, 501)
        emg = generator.normal(0, 5, (3, len(ecg)))
        for kind, signal in (("biosignals_raw", ecg), ("biosignals_filtered", ecg - np.median(ecg))):
            if not files[kind].is_file():
                write_text(files[kind], _table(clip.ecg_hz, gsr, signal, emg))
        truth[name] = {
            "heart_rate_bpm": round(bpm, 2), "face_id": person.face_id, "mitdb_record": int(person.record.name),
        }  # fmt: skip
    return truth


def _draw_course(label: int, clip: ClipConfig, generator: np.random.Generator) -> Course:
    frames = clip.nominal_frames
    if label:
        peak = float(np.clip(label / (len(CLASS_TOKENS) - 1) + generator.normal(0, _INTENSITY_SPREAD), 0, 1))
    else:
        peak = abs(float(generator.normal(0, _NEUTRAL_SPREAD)))
    onset, rise = generator.uniform(0.1, 1.4), generator.uniform(0.4, 1.5)  # s
    seconds = np.arange(frames) / clip.video_fps
    intensity = peak / (1 + np.exp(-(seconds - onset - rise / 2) / (rise / 6)))
    intensity = np.clip(intensity + _drift(generator, frames, 0.015), 0, 1)
    return Course(
        intensity,
        shift=np.stack([_drift(generator, frames, 3.0, 45), _drift(generator, frames, 2.0, 45)]),
        angle=_drift(generator, frames, 1.2, 55),
        zoom=1 + _drift(generator, frames, 0.008, 55),
        light=1 + _drift(generator, frames, 0.015, 35) + generator.normal(0, 0.04),
        grain=generator.normal(0, 1.5, (_GRAINS, HEIGHT, WIDTH, 3)).round().astype(np.int16),
    )


def _drift(generator: np.random.Generator, length: int, scale: float, width: int = 25) -> np.ndarray:
    """(length,) noise of this standard deviation, smoothed over a window of `width`."""
    window = np.hanning(width)
    noise = np.convolve(generator.normal(size=length + width), window / np.sqrt((window**2).sum()), "same")
    return scale * noise[width // 2 :][:length]


def _write_video(path: Path, face: Face, course: Course, fps: float) -> None:
    """H.264, (HEIGHT, WIDTH)."""
    side = len(face.neutral)
    middle = (side / 2, side / 2)
    with atomic_path(path) as temporary, av.open(str(temporary), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=round(fps), options=_ENCODED)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.thread_count = _SLICES
        for k, intensity in enumerate(course.intensity):
            zoom = HEIGHT / side * _ZOOM * float(course.zoom[k])
            matrix = cv2.getRotationMatrix2D(middle, float(course.angle[k]), zoom)
            matrix[:, 2] += np.array([WIDTH, HEIGHT]) / 2 - middle + course.shift[:, k]
            shown = cv2.warpAffine(face.at(intensity), matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
            lit = cv2.convertScaleAbs(shown, alpha=float(course.light[k]))
            pixels = cv2.add(lit, course.grain[k % _GRAINS], dtype=cv2.CV_8U).astype(np.uint8, copy=False)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="bgr24")))
        container.mux(stream.encode())


def _table(rate: float, gsr: np.ndarray, ecg: np.ndarray, emg: np.ndarray) -> str:
    """A biosignal table with time in µs, ECG in mV."""
    rows = zip(np.round(np.arange(len(ecg)) * 1e6 / rate).astype(int), gsr, ecg, *emg, strict=True)
    lines = [f"{at}\t{g:.3f}\t{mv:.3f}\t{a:.1f}\t{b:.1f}\t{c:.1f}" for at, g, mv, a, b, c in rows]
    return "\n".join(["\t".join(_COLUMNS), *lines, ""])
