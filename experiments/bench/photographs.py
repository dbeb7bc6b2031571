"""Neutral or smiling London photographs of people unseen by every stage, classified from embeddings, on both halves.

Logistic regression on the embeddings of each Spatial-Module of the benchmark `recipes`, and on gradient histograms
(HOG) of the same crops; and on distances between the teacher's landmarks (`painlit.weights.landmarks`). It learns
from the people whom stage 2 of the half learns from, and is tested on those of the half: how many photographs are
classified correctly, and for how many people the smiling one of the two scores higher. Some smile so faintly that their
smiling photograph, seen alone, could be another's neutral one. The penalty is fixed: C = 1 / (how many numbers).
"""

import cv2
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from experiments.bench.framing import gradients
from experiments.bench.london import CLASSES, LONDON, Scores, london_people, summary
from experiments.bench.proxy import PROXY, TITLES, people_beside, pretrain
from experiments.bench.taught import taught_spatial, teacher_file
from painlit.config import Config, load
from painlit.config.pretraining import TeacherConfig
from painlit.config.proxy import HALVES
from painlit.images.reading import read_image
from painlit.images.teacher import Teacher
from painlit.signals.video.clip_faces import face_detector
from painlit.signals.video.crops import crop_face, face_squares
from painlit.weights.landmarks import landmark_distances
from painlit.weights.pretrained import resolve_weights, starting_embedder

Key = tuple[str, int]


def crops(config: Config, size: int, margin: float) -> dict[Key, np.ndarray]:
    """The face crops of all photographs as those of video frames, (size, size, 3) uint8 RGB each."""
    found = {}
    for person in london_people():
        for label, name in enumerate(CLASSES):
            image = read_image(LONDON / name / f"{person}.jpg")
            faces = face_detector(image.shape, config.face, "cpu").detect([image])[0]
            box = faces[faces[:, 4].argmax(), :4]
            found[person, label] = crop_face(image, face_squares(box[None], margin)[0], size)
    return found


def distances(config: Config) -> dict[Key, np.ndarray]:
    """The distances between landmarks of each photograph, (12,)."""
    teacher = Teacher(TeacherConfig(file=str(teacher_file())))
    faces = crops(config, teacher.settings.size, teacher.settings.margin)
    points = torch.from_numpy(np.stack([teacher.outputs(face).reshape(-1, 3)[:, :2] for face in faces.values()]))
    return dict(zip(faces, landmark_distances(points).numpy(), strict=True))


def scores(features: dict[Key, np.ndarray], learnt_from: set[str]) -> Scores:
    """Scores of the photographs of everybody else."""
    learnt = [key for key in features if key[0] in learnt_from]
    held_out = [key for key in features if key[0] not in learnt_from]
    penalty = 1 / len(features[learnt[0]])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=2000))
    model.fit([features[key] for key in learnt], [label for _, label in learnt])
    return dict(zip(held_out, model.decision_function([features[key] for key in held_out]).tolist(), strict=True))


def main() -> None:
    """Train what is not trained, and print the figures of each half."""
    config = load([PROXY])
    faces, landmarks = crops(config, 2 * config.spatial.image_size, config.face.margin), distances(config)
    images = torch.from_numpy(np.stack([*faces.values()])).permute(0, 3, 1, 2)
    histograms = {key: gradients(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)) for key, crop in faces.items()}
    print("neutral or smiling, people unseen by every stage, logistic regression (95 % interval of the share, Wilson):")
    for half in HALVES:
        print(f" {TITLES[half]}:")
        features = {"gradient histograms": histograms, "landmark distances": landmarks}
        for name, file in {**pretrain(half), "taught": str(taught_spatial(half))}.items():
            embedder = starting_embedder(config, resolve_weights(config, "spatial", file)).eval()
            with torch.inference_mode():
                embedded = embedder.full(images).numpy()
            features[name] = dict(zip(faces, embedded, strict=True))
        for name, values in features.items():
            print(f"  {name}: {summary([scores(values, set(people_beside(half)))])}")
