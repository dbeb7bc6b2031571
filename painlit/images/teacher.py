"""A teacher: a network of faces that the user has, whose outputs the Spatial-Module also learns to predict.

Photographs without labels teach this way too. Any network will do that reads a face crop: of face recognition, of
landmarks. Its outputs differ in number and scale and are often redundant, so what is predicted is their principal
components over some of the training images, each with a variance of 1 (PCA whitening).

It sees the unchanged face, or its mirror image where the student sees one, and the student a crop that is shifted,
turned and lit otherwise. So what is learnt does not depend on how a face is cut out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from painlit.config.pretraining import TeacherConfig
from painlit.errors import PainlitError
from painlit.images.augment import face_square
from painlit.signals.video.crops import crop_face
from painlit.system.digests import file_digest
from painlit.weights.face_network import FORMATS, FaceNetwork

TEACHER = "teacher"
"""Names its figures where those of data sets have the set's name."""
MOST_VALUES = 20_000
"""Outputs of a network that are used; the components of more take gigabytes."""
_NO_VARIANCE = 1e-6  # of a component, as a share of the first one's


class Teacher:
    """An ONNX or TFLite network, run by OpenCV.

    Args:
        settings: Its file, and how it is fed.

    Raises:
        PainlitError: The file is not there, or OpenCV cannot read it, feed it or find its output; it gives more than
            `MOST_VALUES` values.

    Attributes:
        sha256: Of the file, as it was when this was made.
        size: Values that it gives of a face, n.
    """

    def __init__(self, settings: TeacherConfig):
        self.settings = settings
        path = Path(settings.file)
        if path.suffix.lower() not in FORMATS or not path.is_file():
            raise PainlitError(f"the teacher {path} is no file that ends in {' or '.join(FORMATS)}", "name such a file")
        self.sha256 = file_digest(path)
        self.size = len(self.outputs(np.zeros((settings.size, settings.size, 3), np.uint8)))
        if self.size > MOST_VALUES:
            raise PainlitError(
                f"the teacher {path} gives {self.size:,} values, more than {MOST_VALUES:,}",
                "name a layer of fewer as the output of its group",
            )

    def __getstate__(self) -> dict[str, Any]:  # each process reads the network itself
        return {"settings": self.settings, "sha256": self.sha256, "size": self.size}

    @cached_property
    def _network(self) -> FaceNetwork:
        path = Path(self.settings.file)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise PainlitError(f"the teacher {path}: {error.strerror}", "restore the file") from error
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise PainlitError(f"the teacher {path} was replaced during the training", "restore the file")
        return FaceNetwork(content, f"the teacher {path}", self.settings.output)

    def outputs(self, crop: np.ndarray) -> np.ndarray:
        """The outputs for a face crop, (size, size, 3) uint8 RGB: (n,) float32; errors as of `FaceNetwork`."""
        image = (crop.astype(np.float32) / 255 - self.settings.mean) / self.settings.std
        return self._network.outputs(image.transpose(2, 0, 1))

    def of_face(self, image: np.ndarray, box: np.ndarray, mirrored: bool) -> np.ndarray:
        """Its outputs for the face in an image (H, W, 3) uint8 RGB, the box in px; (n,) float32."""
        crop = crop_face(image, face_square(box, image.shape, self.settings.margin), self.settings.size)
        return self.outputs(crop[:, ::-1] if mirrored else crop)


@dataclass(frozen=True)
class TeacherTargets:
    """What is learnt from a teacher: the whitened principal components of its outputs."""

    teacher: Teacher
    mean: np.ndarray
    """(n,) of its outputs."""
    axes: np.ndarray
    """(n, components), scaled to a variance of 1."""

    @property
    def size(self) -> int:
        """Components that are predicted."""
        return self.axes.shape[1]

    def of_face(self, image: np.ndarray, box: np.ndarray, mirrored: bool) -> np.ndarray:
        """The targets of the face in an image, (components,) float32."""
        return ((self.teacher.of_face(image, box, mirrored) - self.mean) @ self.axes).astype(np.float32)


def fit_targets(teacher: Teacher, outputs: Sequence[np.ndarray]) -> TeacherTargets:
    """Principal components of a teacher's outputs.

    Args:
        teacher: Whose.
        outputs: Of some images, (n,) each; fewer components than configured are taken where they have no more.

    Raises:
        PainlitError: There are none, they differ in number, or are the same for all images.
    """
    if {len(values) for values in outputs} != {teacher.size}:
        raise PainlitError(
            f"the teacher {teacher.settings.file} was run on {len(outputs)} images and gave no {teacher.size} "
            "values of each",
            "restore the images, or name an output of one size",
        )
    values = np.asarray(outputs, np.float64)
    mean = values.mean(axis=0)
    _, spread, axes = np.linalg.svd(values - mean, full_matrices=False)
    deviations = spread / np.sqrt(len(values))
    kept = min(teacher.settings.components, int((deviations**2 > _NO_VARIANCE * deviations[:1] ** 2).sum()))
    if not kept:
        raise PainlitError(
            f"the teacher {teacher.settings.file} gives the same outputs for all {len(values)} images",
            "check its size, mean, std and output",
        )
    return TeacherTargets(teacher, mean, axes[:kept].T / deviations[:kept])
