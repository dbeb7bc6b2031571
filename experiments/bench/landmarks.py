"""What the teacher of our recipe knows itself: nine distances between landmarks, on both proxies, NP against P4.

A network of face landmarks (see `experiments.bench.taught`) finds 468 points in each crop of a clip. The distances, in
parts of that between the eyes, are averaged over the last four frames, less the first four; a logistic regression of
these nine numbers is told on each person after it has learnt from the others. It bounds what a Spatial-Module has from
this teacher. Clips are prepared if they are not; other `key=value` arguments reach the configuration.

It is no pain data: neutral faces turn into smiling ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from data_modules.recordings.clips import read_clips
from experiments import prepare
from experiments.bench.proxy import SAID, settings_of
from experiments.bench.taught import teacher_file
from painlit.clips.table import open_table
from painlit.config import load
from painlit.config.pretraining import TeacherConfig
from painlit.config.proxy import HALVES
from painlit.images.teacher import Teacher
from painlit.loso.results import Predictions, accuracy_interval
from painlit.signals.video.clip_faces import clip_crops

EDGE_FRAMES = 4
"""Frames at each end of a clip that are compared."""
EYES = 33, 263  # outer corners, of the right eye and of the left one; numbers of the face mesh
CORNERS, NOSE, LIPS = (61, 291), 1, (13, 14)  # corners of the mouth, tip of the nose, middle of the inner lips


def landmark_distances(points: np.ndarray) -> np.ndarray:
    """The nine distances in parts of that between the eyes, (9,), of landmarks (468, 2) px, y downwards."""

    def apart(one: int, other: int) -> float:
        return float(np.linalg.norm(points[one] - points[other]))

    told = [
        apart(*CORNERS),  # width of the mouth
        apart(*LIPS),  # its opening
        apart(0, 17),  # its height between the outer lips
        *(apart(corner, eye) for corner, eye in zip(CORNERS, EYES, strict=True)),
        apart(159, 145) + apart(386, 374),  # opening of both eyes
        *(apart(corner, NOSE) for corner in CORNERS),
        points[list(CORNERS), 1].mean() - points[list(LIPS), 1].mean(),  # how far the corners are below the middle
    ]
    return np.array(told) / apart(*EYES)


def change(frames: Sequence[np.ndarray]) -> np.ndarray:
    """Distances of the last frames less those of the first ones, (9,), from the distances of each frame, (9,)."""
    return np.mean(frames[-EDGE_FRAMES:], axis=0) - np.mean(frames[:EDGE_FRAMES], axis=0)


def predictions(half: str) -> Predictions:
    """Of each person's clips, by a regression that learnt from the others'."""
    config = load(settings_of(half, "model.modality=video"))
    prepare.run(config)
    config, listed = read_clips(config)
    teacher, rows = Teacher(TeacherConfig(file=str(teacher_file()))), open_table(config).clips()
    face = replace(config.face, margin=teacher.settings.margin)
    clips = [clip for clip in listed if clip.label in config.classes and rows[clip.name].boxes is not None]
    changes = []
    for clip in clips:
        assert clip.video is not None
        boxes = rows[clip.name].boxes
        assert boxes is not None
        crops = clip_crops(clip.video, boxes, config.clip, face, teacher.settings.size)
        changes.append(change([landmark_distances(teacher.outputs(crop).reshape(468, 3)[:, :2]) for crop in crops]))
    labels = np.array([config.classes.index(clip.label) for clip in clips])
    subjects = np.array([clip.subject for clip in clips])
    model = make_pipeline(StandardScaler(), LogisticRegression())
    told = cross_val_predict(
        model, np.stack(changes), labels, groups=subjects, cv=LeaveOneGroupOut(), method="predict_proba"
    )
    return Predictions([clip.name for clip in clips], subjects, labels, told)


def main() -> None:
    """Prepare what is not prepared, and print the accuracy on each half."""
    print("nine distances between landmarks, NP against P4, 95 % over subjects (stand-in data, no pain):", flush=True)
    for half in HALVES:
        told = predictions(half)
        accuracy = (told.probabilities.argmax(1) == told.labels).mean()
        low, high = accuracy_interval(told)
        print(f"  {SAID[half]}: {100 * accuracy:.1f} % ({100 * low:.1f} to {100 * high:.1f})", flush=True)
