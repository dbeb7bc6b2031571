"""The three networks of MTCNN.

Zhang et al. 2016, "Joint face detection and alignment using multitask cascaded convolutional networks", IEEE Signal
Processing Letters 23(10). All take RGB in -1..1, (pixel - 127.5) / 128.
"""

import torch
from torch import Tensor, nn


def _pool(kernel: int, ceil: bool = True) -> nn.MaxPool2d:
    return nn.MaxPool2d(kernel, stride=2, ceil_mode=ceil)


class PNet(nn.Module):
    """Proposal network: fully convolutional, one candidate of 12 px for every second pixel.

    A box offset is what to add to each of x1, y1, x2, y2, in units of the candidate's side.
    """

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(3, 10, 3), nn.PReLU(10), _pool(2)),
            *(nn.Conv2d(10, 16, 3), nn.PReLU(16)),
            *(nn.Conv2d(16, 32, 3), nn.PReLU(32)),
        )
        self.box = nn.Conv2d(32, 4, 1)
        self.face = nn.Conv2d(32, 2, 1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B, 3, H, W), at least 12 px, to face probability (B, h, w) and box offsets (B, 4, h, w)."""
        x = self.features(images)
        return face_probability(self.face(x)), self.box(x)


class RNet(nn.Module):
    """Refinement network: a better opinion on each candidate, resized to 24 px."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(3, 28, 3), nn.PReLU(28), _pool(3)),
            *(nn.Conv2d(28, 48, 3), nn.PReLU(48), _pool(3, ceil=False)),
            *(nn.Conv2d(48, 64, 2), nn.PReLU(64), nn.Flatten()),
            *(nn.Linear(576, 128), nn.PReLU(128)),
        )
        self.box = nn.Linear(128, 4)
        self.face = nn.Linear(128, 2)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Candidates (B, 3, 24, 24) to face probability (B,) and box offsets (B, 4)."""
        x = self.features(images)
        return face_probability(self.face(x)), self.box(x)


class ONet(nn.Module):
    """Output network: the final opinion on each candidate, resized to 48 px, and five landmarks."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(3, 32, 3), nn.PReLU(32), _pool(3)),
            *(nn.Conv2d(32, 64, 3), nn.PReLU(64), _pool(3, ceil=False)),
            *(nn.Conv2d(64, 64, 3), nn.PReLU(64), _pool(2)),
            *(nn.Conv2d(64, 128, 2), nn.PReLU(128), nn.Flatten()),
            *(nn.Linear(1152, 256), nn.PReLU(256)),
        )
        self.box = nn.Linear(256, 4)
        self.landmarks = nn.Linear(256, 10)
        self.face = nn.Linear(256, 2)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Candidates (B, 3, 48, 48) to face probability (B,), box offsets (B, 4) and landmarks (B, 5, 2).

        Landmarks are x, y as fractions of the candidate's sides: left eye, right eye, nose, left and right corner of
        the mouth, left and right as seen in the image.
        """
        x = self.features(images)
        landmarks = self.landmarks(x).unflatten(1, (2, 5)).transpose(1, 2)  # stored x1..x5, y1..y5
        return face_probability(self.face(x)), self.box(x), landmarks


def face_probability(scores: Tensor) -> Tensor:
    """Softmax over the two classes (not face, face) of axis 1, the second of them."""
    return torch.sigmoid(scores[:, 1] - scores[:, 0])
