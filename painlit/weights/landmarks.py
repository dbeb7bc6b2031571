"""Faces by distances between landmarks: a replacement of the Spatial-Module where photographs are few.

A network of face landmarks has learnt from more faces than most users have. Twelve distances between its landmarks give
what the action units of pain (Prkachin and Solomon 2008) and those of the mouth move: brows (4), eyes (6, 7, 43), nose
and upper lip (9, 10), mouth (12, 20, 25 to 27). They are divided by the distance between the eyes, and a tilted head
changes none. Ours, not the paper's.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from painlit.config.networks import LANDMARK_DISTANCES
from painlit.errors import PainlitError
from painlit.weights.face_network import FaceNetwork

LANDMARKS = (468, 478)
"""Landmarks of the MediaPipe face mesh, without and with irises (Kartynnik et al. 2019); each has x, y and a depth."""
EYES = 33, 263
"""Outer corners of the right and the left eye, numbers of the mesh."""
CORNERS, LIPS = (61, 291), (13, 14)  # of the mouth; middles of the inner lips
DISTANCES: dict[str, tuple[tuple[int, int], ...]] = {
    "width of the mouth": (CORNERS,),
    "mouth opening": (LIPS,),
    "height of the lips": ((0, 17),),
    "corner of the mouth to corner of the eye": ((61, 33), (291, 263)),
    "corner of the mouth to tip of the nose": ((61, 1), (291, 1)),
    "eye opening": ((159, 145), (386, 374)),
    "inner brow to eye": ((55, 133), (285, 362)),
    "middle of the brow to eye": ((105, 159), (334, 386)),
    "between the brows": ((55, 285),),
    "wing of the nose to eye": ((129, 133), (358, 362)),
    "upper lip to nose": ((0, 2),),
}
"""What -> the pairs of landmarks whose distances are averaged."""


def landmark_distances(points: Tensor) -> Tensor:
    """The distances of faces, in units of that between the eyes.

    Args:
        points: (B, n, 2), the landmarks of the mesh, x and y in px, y downwards.

    Returns:
        (B, 12): `DISTANCES` in their order, then how far the corners of the mouth are below the lips' middle.
    """

    def apart(pairs: tuple[tuple[int, int], ...]) -> Tensor:
        return torch.stack([(points[:, a] - points[:, b]).norm(dim=-1) for a, b in pairs]).mean(0)

    eyes = points[:, EYES[1]] - points[:, EYES[0]]
    down = torch.stack([-eyes[:, 1], eyes[:, 0]], 1) / eyes.norm(dim=-1, keepdim=True)  # unit, square to the eyes
    below = ((points[:, CORNERS].mean(1) - points[:, LIPS].mean(1)) * down).sum(-1)
    return torch.stack([*map(apart, DISTANCES.values()), below], dim=1) / apart((EYES,))[:, None]


class LandmarkDistances(nn.Module):
    """Face images to distances between landmarks; in a FrameEmbedder it takes the Spatial-Module's place.

    The file of the network is its only weight, byte by byte, so that it travels like other weights. It is not trained,
    runs on the CPU wherever the rest does, and has no gradient. Tiles of a face have no landmarks of their own.

    Args:
        image_size: Height and width of the images in px, as the network wants them.

    Shapes:
        images (B, 3, image_size, image_size), scaled as the network wants them -> (B, 12).

    Raises:
        PainlitError: From `forward`: OpenCV cannot run the network, or it does not give the landmarks of the mesh.
    """

    network: Tensor

    def __init__(self, image_size: int):
        super().__init__()
        self.image_size, self.embed_dim = image_size, LANDMARK_DISTANCES
        self.register_buffer("network", torch.empty(0, dtype=torch.uint8))
        self._runner: FaceNetwork | None = None

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        if (content := state.get(f"{prefix}network")) is not None:
            self.network, self._runner = torch.empty_like(content, device=self.network.device), None
        super()._load_from_state_dict(state, prefix, *rest)

    def forward(self, images: Tensor) -> Tensor:
        """Return the distances of each image, (B, 12)."""
        if self._runner is None:
            if not len(self.network):
                raise PainlitError("no network of face landmarks is loaded", "name its file: embed.weights=FILE")
            self._runner = FaceNetwork(self.network.cpu().numpy().tobytes(), "the network of face landmarks")
        found = [torch.from_numpy(self._runner.outputs(image)) for image in images.cpu().numpy()]
        points = torch.stack([_points(values) for values in found])
        return landmark_distances(points).to(images.device)


def _points(values: Tensor) -> Tensor:
    """X and y of landmarks, (n, 2), from all that a network gives."""
    if len(values) not in [3 * count for count in LANDMARKS]:
        raise PainlitError(
            f"the network of face landmarks gives {len(values)} values, not x, y and depth of "
            f"{' or '.join(map(str, LANDMARKS))} landmarks",
            "name one of the MediaPipe face mesh: embed.weights=FILE (docs/recipes.md)",
        )
    points = values.view(-1, 3)[:, :2]
    if not (points[EYES[0]] - points[EYES[1]]).norm() > 0:
        raise PainlitError("the network of face landmarks puts both eyes in one place", "see spatial.mean and std")
    return points
