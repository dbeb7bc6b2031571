"""Neutral or smiling London photographs: how well they are classified by how they were taken, and by the face.

Gradient histograms (HOG) with logistic regression, on the five folds of the benchmark `expressions`: of the whole
photograph, of the whole photograph with the face masked, and of the detected face's crop, as it is, closer, and
with all but its border masked. What is classified without a face is classified by how the photographs were taken.

Beside it, how often the smiling one of a person's two photographs has the higher score. Some people smile so faintly
that their smiling photograph, seen alone, could be another's neutral one.
"""

import cv2
import numpy as np
from skimage.feature import hog
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from experiments.bench.london import CLASSES, LONDON, folds, london_people, summary
from painlit.errors import PainlitError
from painlit.signals import FaceDetector
from painlit.signals.video.crops import crop_face, face_squares

WHOLE, CROP = 160, 128  # px
CLOSER = -0.3  # margin
BORDER = 0.15  # of the crop's side that is left when the face is masked
GREY = 127


def views(path: str, detector: FaceDetector) -> dict[str, np.ndarray]:
    """The photograph and its face, each with and without the face: name -> grey image."""
    image = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
    assert image is not None, path
    faces = detector.detect([cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)])[0]
    if not len(faces):
        raise PainlitError(f"{path}: no face", "restore the photograph")
    box = faces[faces[:, 4].argmax(), :4]
    x1, y1, x2, y2 = box.round().astype(int)
    hidden = image.copy()
    hidden[max(0, y1) : y2, max(0, x1) : x2] = GREY
    crop = crop_face(image[..., None].repeat(3, 2), face_squares(box[None], 0)[0], CROP)[..., 0]
    closer = crop_face(image[..., None].repeat(3, 2), face_squares(box[None], CLOSER)[0], CROP)[..., 0]
    border = crop.copy()
    edge = round(BORDER * CROP)
    border[edge:-edge, edge:-edge] = GREY
    small = [cv2.resize(x, (WHOLE, WHOLE), interpolation=cv2.INTER_AREA) for x in (image, hidden)]
    return {
        "whole photograph": small[0],
        "whole photograph, face masked": small[1],
        "detected crop": crop,
        "detected crop, closer": closer,
        "detected crop, face masked": border,
    }


def gradients(image: np.ndarray) -> np.ndarray:
    """Histograms of oriented gradients in cells of 8 px, blocks of 2 x 2 cells."""
    return hog(image, orientations=9, pixels_per_cell=(8, 8), cells_per_block=(2, 2))


def main() -> None:
    """Print the accuracy of each view."""
    people = london_people()
    detector = FaceDetector()
    seen = {(p, c): views(str(LONDON / name / f"{p}.jpg"), detector) for p in people for c, name in enumerate(CLASSES)}
    print(
        "neutral or smiling, people not learnt from, HOG and logistic regression (95 % interval of the share, Wilson):"
    )
    for view in next(iter(seen.values())):
        features = {key: gradients(images[view]) for key, images in seen.items()}
        scores = []
        for test in folds(people):
            learnt = [key for key in seen if key[0] not in test]
            held_out = [key for key in seen if key[0] in test]
            model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
            model.fit([features[key] for key in learnt], [label for _, label in learnt])
            decisions = model.decision_function([features[key] for key in held_out])
            scores.append(dict(zip(held_out, decisions.tolist(), strict=True)))
        print(f"  {view}: {summary(scores)}")
