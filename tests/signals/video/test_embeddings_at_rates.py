"""One recording at several frame rates: models see the same faces, and their embeddings are the same but for motion."""

from fractions import Fraction

import cv2
import numpy as np
import pytest
import torch

from data_modules.demo.portrait import portrait
from painlit.config import ClipConfig, SpatialConfig
from painlit.models.frame_embedder import FrameEmbedder
from painlit.models.normalisation import Normalise
from painlit.signals.video.decoding import read_clip
from painlit.weights.networks import build_spatial_module

CLIP = ClipConfig(seconds=2, frames=16)
SIZE = 32


def face_at(time: float) -> np.ndarray:
    """A head that nods and comes nearer: (96, 96, 3) RGB."""
    face = cv2.resize(portrait(), (96, 96), interpolation=cv2.INTER_AREA)
    turn = cv2.getRotationMatrix2D((48, 48), 8 * np.sin(2 * time), 1 + 0.1 * time)
    turn[:, 2] += 6 * np.sin(3 * time), 4 * np.cos(2 * time)
    return cv2.warpAffine(face, turn, (96, 96), borderMode=cv2.BORDER_REPLICATE).astype(np.uint8)


@pytest.fixture(scope="module")
def embedder() -> FrameEmbedder:
    torch.manual_seed(0)
    sizes = SpatialConfig(image_size=SIZE, embed_dim=16, outer_heads=2, inner_dim=8, inner_heads=2, depth=2)
    return FrameEmbedder(build_spatial_module(sizes), Normalise()).eval()


def embeddings(path, embedder: FrameEmbedder) -> np.ndarray:
    """(F, D) of the full frames."""
    frames = [cv2.resize(frame, (2 * SIZE, 2 * SIZE)) for frame in read_clip(path, CLIP)]
    with torch.inference_mode():
        full, _ = embedder(torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2))
    return full.numpy()


def test_embeddings_hardly_depend_on_the_frame_rate(tmp_path, write_video, embedder):
    def filmed(name: str, times, fps=Fraction(25)) -> np.ndarray:
        path = write_video(tmp_path / f"{name}.mp4", [face_at(t) for t in times], fps=fps, times=times, crf="8")
        return embeddings(path, embedder)

    uneven = np.cumsum([0.0, *np.random.default_rng(0).uniform(0.015, 0.05, 80)]).tolist()
    rates = {str(fps): [float(k / fps) for k in range(int(2.2 * fps))] for fps in (25, Fraction(30_000, 1001), 30, 60)}
    found = {name: filmed(name.replace("/", "-"), times) for name, times in {**rates, "vfr": uneven}.items()}
    reference = found.pop("25")
    centred = reference - reference.mean(0)  # what changes in time; all frames of one face are alike
    for name, other in found.items():
        correlation = float(np.corrcoef(centred.ravel(), (other - reference.mean(0)).ravel())[0, 1])
        print(f"{name}: correlation of embeddings with those at 25 Hz {correlation:.4f}")
        assert correlation > 0.95
    backwards = float(np.corrcoef(centred.ravel(), centred[::-1].ravel())[0, 1])
    assert backwards < 0.8, "frames of other times differ"
